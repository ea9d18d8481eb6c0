-- What the scripts for pairs of IOU and PGT begin with. KEYS: the validations that are expected, by their ends; the pairs,
-- by the hash of the IOU; when each pair expires. Times are in milliseconds, by the clock of Redis.
local EXPECTED, PAIRS, DUE = KEYS[1], KEYS[2], KEYS[3]

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function text(number)
  return string.format('%.0f', number)
end

-- When the last of the validations ends that are expected now. Where none is, no pair is left.
local function last_end()
  redis.call('ZREMRANGEBYSCORE', EXPECTED, '-inf', text(now_ms()))
  local last = redis.call('ZRANGE', EXPECTED, -1, -1, 'WITHSCORES')
  if #last == 0 then
    redis.call('DEL', PAIRS, DUE)
    return nil
  end
  return tonumber(last[2])
end

local function forget(iou)
  redis.call('HDEL', PAIRS, iou)
  redis.call('ZREM', DUE, iou)
end
