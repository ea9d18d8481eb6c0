-- A node is here. ARGV: an epoch, for when there is none; the instance of Redis, empty when it is not known; the
-- longest lifetime of a session and the highest number that the node knows; 1 if it saw that something was lost.
-- Answers: the epoch, and 1 if Redis may have lost something.
local epoch = redis.call('GET', EPOCH)
local lost = ARGV[5] == '1'
if not epoch then
  lost = true
  epoch = ARGV[1]
  redis.call('SET', EPOCH, epoch)
end
if ARGV[2] ~= '' and redis.call('GET', INSTANCE) ~= ARGV[2] then
  lost = true
  redis.call('SET', INSTANCE, ARGV[2])
end
lasts(tonumber(ARGV[3]))
raise(NUMBER, tonumber(ARGV[4]))
if lost then
  keep(RECOVERING, '1', number_at(LONGEST) + GRACE)
end
return { epoch, lost and 1 or 0 }
