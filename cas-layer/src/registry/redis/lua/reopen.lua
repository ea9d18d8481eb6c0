-- Notes sessions whose cookies were seen after Redis lost something. ARGV: epoch; the highest number that the
-- node knows; then for each session its id, when it expires, in how many seconds that is, and its family, or
-- nothing.
-- Answers for each: 1 if it has ended.
raise(given(ARGV[2]) or 0)
local answers = {}
for i = FIRST, #KEYS, 2 do
  local at = 3 + (i - FIRST) / 2 * 4
  local id, expires, seconds = ARGV[at], ARGV[at + 1], life(ARGV[at + 2])
  local state = redis.call('GET', KEYS[i])
  local kind = state and string.sub(state, 1, 1)
  if kind == 'x' then
    finish(i, id, expires, seconds + GRACE)
  elseif not kind or kind == 'b' then
    lasts(seconds)
    local family = ARGV[at + 3]
    keep(KEYS[i], opened(expires, family ~= '' and family), seconds + GRACE)
  end
  answers[#answers + 1] = (kind == 'e' or kind == 'x') and 1 or 0
end
return answers
