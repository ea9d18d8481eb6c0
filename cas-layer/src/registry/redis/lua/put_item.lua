-- Keeps an item for an open session. KEYS: the session; what is kept for it. ARGV: the time by the node's clock; the name of
-- the item; the item, or nothing, to forget it. Answers: 1 if the session is open.
local expires = string.match(redis.call('GET', KEYS[1]) or '', '^o(%d+)')
if not expires or tonumber(expires) <= tonumber(ARGV[1]) then
  return 0
end
if not ARGV[3] then
  redis.call('HDEL', KEYS[2], ARGV[2])
  return 1
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
local left = redis.call('TTL', KEYS[1])
if left > 0 then
  redis.call('EXPIRE', KEYS[2], left)
end
return 1
