-- A node is here. ARGV: an epoch, for when there is none; the instance of Redis, empty when it is not known; the
-- longest lifetime of a session and the highest number that the node knows; 1 if it saw that something was lost.
-- Answers: the epoch; 1 if Redis may have lost something; the time in microseconds and the last number; 1 if the
-- node's number cannot be one; and the keys that held something that cannot be theirs, which are repaired.
local epoch = redis.call('GET', EPOCH)
local lost = ARGV[5] == '1'
if not epoch or epoch == '' then
  lost = true
  epoch = ARGV[1]
  redis.call('SET', EPOCH, epoch)
end
if ARGV[2] ~= '' and redis.call('GET', INSTANCE) ~= ARGV[2] then
  lost = true
  redis.call('SET', INSTANCE, ARGV[2])
end
local repaired = {}
if not number_at(NUMBER, now_us() + AHEAD) then
  repaired[#repaired + 1] = NUMBER
end
if not number_at(LONGEST, LONGEST_LIFE) then
  repaired[#repaired + 1] = LONGEST
  redis.call('SET', LONGEST, text(longest_life()))
end
lasts(life(ARGV[3]))
raise(given(ARGV[4]) or 0)
if lost then
  raise(now_us() + LEAP)
  keep(RECOVERING, '1', longest_life() + GRACE)
end
return { epoch, lost and 1 or 0, text(now_us()), text(last_number()), given(ARGV[4]) and 0 or 1, repaired }
