-- Ends those sessions that were begun or opened. ARGV: epoch; the time by the node's clock; how many unknown ones
-- are kept at most, for each of KEPT; then for each session its id, and for which of KEPT it counts if it is unknown.
-- Answers for each session one of these:
-- `ended` and when it expires: it has ended now, and every node has to know. If it has a family, which has then ended
--   too, the family and when that expires follow;
-- `kept` and when it expires: it is unknown, and would have ended if there was one;
-- `had-ended`: it had ended before;
-- `unknown`;
-- `no-room`: it is unknown and should be kept, and there is no room;
-- `ended-early`: it has ended now, and was not open yet.
local recovering = redis.call('EXISTS', RECOVERING) == 1
local function kept(share)
  return number_at(KEPT[share], math.huge) or 0
end
local answers = {}
for i = FIRST, #KEYS, 2 do
  local at = 6 + (i - FIRST)
  local key, id, share = KEYS[i], ARGV[at], tonumber(ARGV[at + 1])
  local state = redis.call('GET', key)
  local kind = state and string.sub(state, 1, 1)
  local answer
  if kind == 'o' then
    local expires = string.match(state, '^o(%d+)')
    local family = string.match(state, ':(%x+)$')
    answer = 'ended ' .. expires
    -- The family first: nobody sees that one of its sessions has ended and another has not.
    if family then
      -- It may have sessions that were opened later.
      local last = text((number_of(ARGV[2], 2 ^ 53) or math.floor(now_us() / 1000000)) + longest_life())
      tell('s', family, 'x', last)
      answer = answer .. ' ' .. family .. ' ' .. last
    end
    finish(i, id, expires, 1)
  elseif kind == 'e' or kind == 'x' then
    -- Written again for the sake of WAIT.
    redis.call('SET', key, state, 'KEEPTTL')
    answer = 'had-ended'
  elseif kind == 'b' and not recovering then
    redis.call('SET', key, 'x', 'KEEPTTL')
    answer = 'ended-early'
  elseif not recovering then
    answer = 'unknown'
  elseif kept(share) >= tonumber(ARGV[2 + share]) then
    if kind == 'b' then
      redis.call('SET', key, 'x', 'KEEPTTL')
    end
    answer = kind == 'b' and 'ended-early' or 'no-room'
  else
    -- It may have been opened in a time that Redis lost.
    local longest = longest_life()
    local left = redis.call('TTL', RECOVERING)
    if left < 0 then
      -- Somebody else has put it there, for good.
      left = longest + GRACE
    end
    redis.call('SET', KEPT[share], text(kept(share) + 1), 'EX', math.max(left, 1))
    local now = number_of(ARGV[2], 2 ^ 53) or math.floor(now_us() / 1000000)
    local expires = text(now + longest)
    answer = (kind == 'b' and 'ended ' or 'kept ') .. expires
    finish(i, id, expires, longest + GRACE)
  end
  answers[#answers + 1] = answer
end
return answers
