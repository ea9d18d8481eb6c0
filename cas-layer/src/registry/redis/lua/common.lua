-- What every script begins with. The names of all keys come from the node; the first ten are these.
local EPOCH, INSTANCE, ENDED, NUMBER = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local LONGEST, RECOVERING = KEYS[5], KEYS[6]
local KEPT = { KEYS[7], KEYS[8], KEYS[9] } -- of trusted senders, of the back channel, of the front channel
local BASE = KEYS[10]
local FIRST = 11 -- the first key of a session; behind each of them is the key of what is kept for it

-- How long an entry is kept beyond the session's expiry, in seconds: clocks differ.
local GRACE = 3600

-- The longest that a session lasts, in seconds.
local LONGEST_LIFE = 366 * 24 * 3600 + GRACE

-- Numbers of sessions are microseconds by the clock of Redis, or more. `number.rs` says which of them are believed.
local LEAP = 600 * 1000000
local DAY = 24 * 3600 * 1000000
local AHEAD = 100 * 366 * 24 * 3600 * 1000000

-- States of a session, each a string:
--   b<n>:<server>  begun by n callbacks, when Redis ran as <server>
--   o<expires>     opened; behind a colon its family follows, if it has one
--   x              ended while it was being opened; nobody got a cookie, so nobody needs to be told
--   e<entry>       ended, and told to every node by this entry of the stream

-- By the clock of Redis, in microseconds.
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- Numbers up to 2^53 as they are; Lua would write large ones with an exponent.
local function text(number)
  return string.format('%.0f', number)
end

-- Reads a number from 0 to a limit; nil for anything else.
local function number_of(value, limit)
  local number = type(value) == 'string' and tonumber(value)
  if number and number >= 0 and number <= limit then
    return number
  end
end

-- The number that stands under a key, 0 where nothing does; nil for something that is no such number.
local function number_at(key, limit)
  local value = redis.pcall('GET', key)
  if not value then
    return 0
  end
  return number_of(value, limit)
end

-- A number of a session that a node says, if Redis may have given it.
local function given(value)
  return number_of(value, now_us() + AHEAD)
end

-- The last number of a session. Where it cannot be one, the numbers begin anew above all that were given.
local function last_number()
  return number_at(NUMBER, now_us() + AHEAD) or now_us() + LEAP
end

-- Raises the last number, and repairs one that cannot be one.
local function raise(number)
  local last = number_at(NUMBER, now_us() + AHEAD)
  if not last or number > last then
    redis.call('SET', NUMBER, text(math.max(number, last_number())))
  end
end

-- What was noted when Redis last lost something: sessions that were opened since then are above this number; and by how much
-- numbers are ahead of the clock since then.
local function base()
  local value = redis.pcall('GET', BASE)
  local number, ahead = string.match(type(value) == 'string' and value or '', '^(%d+) (%d+)$')
  return number_of(number, 2 ^ 53) or 0, number_of(ahead, 2 ^ 53) or 0
end

-- The number of a session that is opened now is no lower.
local function number_of_now()
  local _, ahead = base()
  return now_us() + ahead
end

-- The longest life of a session, in seconds. Where it cannot be one, nothing is to be forgotten too early.
local function longest_life()
  return number_at(LONGEST, LONGEST_LIFE) or LONGEST_LIFE
end

-- How long a session lasts, in seconds, as a node says.
local function life(value)
  return number_of(value, LONGEST_LIFE) or LONGEST_LIFE
end

-- Learns of a session that lasts for so many seconds. What was to last as long as the longest session does
-- so still.
local function lasts(seconds)
  local longest = longest_life()
  if seconds > longest then
    redis.call('SET', LONGEST, text(seconds))
    local left = redis.call('TTL', RECOVERING)
    if left > 0 then
      redis.call('EXPIRE', RECOVERING, left + seconds - longest)
    end
  end
end

-- Writes a state for at least so many seconds, and for longer where the last one was to last longer.
local function keep(key, state, seconds)
  redis.call('SET', key, state, 'EX', math.max(seconds, redis.call('TTL', key)))
end

-- The state of an open session.
local function opened(expires, family)
  return 'o' .. expires .. (family and ':' .. family or '')
end

-- What is kept for a session stays as long as its state.
local function last_as_long(kept, key)
  local left = redis.call('TTL', key)
  if left > 0 then
    redis.call('EXPIRE', kept, left)
  end
end

-- Tells every node, and forgets by time alone what no node needs any more.
local function tell(...)
  local oldest = math.floor(now_us() / 1000) - (longest_life() + GRACE) * 1000
  return redis.call('XADD', ENDED, 'MINID', '~', text(math.max(oldest, 0)), '*', ...)
end

local function is_told(state)
  local entry = string.sub(state, 2)
  return string.sub(state, 1, 1) == 'e' and #redis.call('XRANGE', ENDED, entry, entry) > 0
end

-- Ends the session whose key is the i-th: in the stream, and under its key for at least so many seconds. What was kept
-- for it goes.
local function finish(i, id, expires, seconds)
  keep(KEYS[i], 'e' .. tell('s', id, 'x', expires), seconds)
  redis.call('DEL', KEYS[i + 1])
end
