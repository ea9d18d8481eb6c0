-- Keeps something for an open session, in its own key, so that it goes with it. KEYS: the session. ARGV: the time by the node's
-- clock; what to keep, or nothing, to forget it. Answers: 1 if the session is open.
local expires, kept = string.match(redis.call('GET', KEYS[1]) or '', '^o(%d+)(.*)$')
if not expires or tonumber(expires) <= tonumber(ARGV[1]) then
  return 0
end
local new = ARGV[2] and ' ' .. ARGV[2] or ''
if new ~= kept then
  redis.call('SET', KEYS[1], 'o' .. expires .. new, 'KEEPTTL')
end
return 1
