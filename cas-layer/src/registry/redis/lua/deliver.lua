-- A pair comes. ARGV: the hash of its IOU; the sealed PGT; how many pairs are kept at most.
-- Answers: `kept`, `unexpected`, `full` or `twice`. Only the first writes anything.
local iou, last = ARGV[1], last_end()
if not last then
  return 'unexpected'
end
-- As many as are kept at most.
for _, expired in ipairs(redis.call('ZRANGE', DUE, '-inf', text(now_ms()), 'BYSCORE')) do
  forget(expired)
end
if redis.call('ZSCORE', DUE, iou) then
  return 'twice'
end
if redis.call('ZCARD', DUE) >= tonumber(ARGV[3]) then
  return 'full'
end
redis.call('HSET', PAIRS, iou, ARGV[2])
redis.call('ZADD', DUE, text(last), iou)
-- No pair can belong to a validation that ends later. Should every node die, they go by themselves.
redis.call('PEXPIREAT', PAIRS, text(last))
redis.call('PEXPIREAT', DUE, text(last))
return 'kept'
