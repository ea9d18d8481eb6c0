-- Hands out an item that is kept for an open session. KEYS: the session; what is kept for it. ARGV: the time by the node's
-- clock; the name of the item.
local expires = string.match(redis.call('GET', KEYS[1]) or '', '^o(%d+)')
return expires and tonumber(expires) > tonumber(ARGV[1]) and redis.call('HGET', KEYS[2], ARGV[2])
