-- Hands a pair out, once. ARGV: the hash of its IOU. Answers: the sealed PGT, if it is there.
local grant, due = redis.call('HGET', PAIRS, ARGV[1]), redis.call('ZSCORE', DUE, ARGV[1])
if not grant or not due then
  return false
end
forget(ARGV[1])
return tonumber(due) > now_ms() and grant
