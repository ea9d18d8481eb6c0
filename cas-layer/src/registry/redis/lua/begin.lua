-- A callback begins. ARGV: epoch; the instance of Redis; for how many seconds at most.
local key, seconds = KEYS[FIRST], tonumber(ARGV[3])
local state = redis.call('GET', key)
if not state then
  redis.call('SET', key, 'b1:' .. ARGV[2], 'EX', seconds)
else
  local callbacks, instance = string.match(state, '^b(%d+):(.*)$')
  -- The instance stays the one of the first: the others may have missed as much as it did.
  if callbacks then
    keep(key, 'b' .. callbacks + 1 .. ':' .. instance, seconds)
  end
end
return 1
