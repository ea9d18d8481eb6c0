-- Ends those sessions that were begun or opened. ARGV: epoch; the time by the node's clock; how many unknown ones
-- are kept at most, for each of KEPT; then for each session its id, and for which of KEPT it counts if it is unknown.
-- Answers for each: when it expires, if it has ended now and every node has to know; 0 if it had ended before; -1 if
-- it is unknown; -2 if it is unknown and should be kept, and there is no room; -3 if it has ended now and was not open yet.
local recovering = redis.call('EXISTS', RECOVERING) == 1
local answers = {}
for i = FIRST, #KEYS do
  local at = 6 + (i - FIRST) * 2
  local key, id, share = KEYS[i], ARGV[at], tonumber(ARGV[at + 1])
  local state = redis.call('GET', key)
  local kind = state and string.sub(state, 1, 1)
  local answer
  if kind == 'o' then
    local expires = string.match(state, '^o(%d+)')
    finish(key, id, expires, 1)
    answer = tonumber(expires)
  elseif kind == 'e' or kind == 'x' then
    -- Written again for the sake of WAIT.
    redis.call('SET', key, state, 'KEEPTTL')
    answer = 0
  elseif kind == 'b' and not recovering then
    redis.call('SET', key, 'x', 'KEEPTTL')
    answer = -3
  elseif not recovering then
    answer = -1
  elseif number_at(KEPT[share]) >= tonumber(ARGV[2 + share]) then
    if kind == 'b' then
      redis.call('SET', key, 'x', 'KEEPTTL')
    end
    answer = kind == 'b' and -3 or -2
  else
    -- It may have been opened in a time that Redis lost.
    local longest = number_at(LONGEST)
    redis.call('SET', KEPT[share], text(number_at(KEPT[share]) + 1), 'EX', math.max(redis.call('TTL', RECOVERING), 1))
    answer = tonumber(ARGV[2]) + longest
    finish(key, id, text(answer), longest + GRACE)
  end
  answers[#answers + 1] = answer
end
return answers
