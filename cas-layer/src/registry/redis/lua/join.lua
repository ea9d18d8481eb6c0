-- A node is here. ARGV: an epoch, for when there is none; the instance of Redis, empty when it is not known; the
-- longest lifetime of a session and the highest number that the node knows; 1 if it saw that something was lost; how many
-- unknown sessions were kept when the node last looked, for each of KEPT; and, if something was lost, the number to which
-- the Redis of before may have come by now, as far as the node knows.
-- Answers: the epoch; 1 if Redis may have lost something; the time in microseconds and the last number; 1 if the
-- node's number cannot be one; the keys that held something that cannot be theirs, which are repaired; and the base, and by how much numbers are ahead.
local epoch = redis.call('GET', EPOCH)
local lost = ARGV[5] == '1'
local leap = LEAP
if not epoch or epoch == '' then
  lost = true
  epoch = ARGV[1]
  redis.call('SET', EPOCH, epoch)
end
if ARGV[2] ~= '' and redis.call('GET', INSTANCE) ~= ARGV[2] then
  lost = true
  redis.call('SET', INSTANCE, ARGV[2])
  -- A node that is new cannot say which numbers the old server gives to those that have not heard of this one yet. By
  -- the same clock they would be ahead by this much.
  if ARGV[5] ~= '1' then
    local _, ahead = base()
    leap = math.max(leap, math.min(ahead, DAY))
  end
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
raise(given(ARGV[9]) or 0)
if lost then
  raise(now_us() + leap)
  local last = last_number()
  redis.call('SET', BASE, text(last) .. ' ' .. text(math.max(last - now_us(), 0)))
  keep(RECOVERING, '1', longest_life() + GRACE)
  -- The nodes write again what was kept. So it still counts.
  for share, key in ipairs(KEPT) do
    local kept = math.max(number_at(key, math.huge) or 0, number_of(ARGV[5 + share], 2 ^ 53) or 0)
    redis.call('SET', key, text(kept), 'EX', redis.call('TTL', RECOVERING))
  end
end
local from, ahead = base()
return { epoch, lost and 1 or 0, text(now_us()), text(last_number()), given(ARGV[4]) and 0 or 1, repaired, { text(from), text(ahead) } }
