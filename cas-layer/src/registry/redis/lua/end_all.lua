-- Ends every session of an account up to a number. ARGV: epoch; the account; the number that the node gave; when the last
-- of them expires; in how many seconds that is. If the end is known, that is all. If it was called for and Redis has not
-- heard of it yet, these follow: the base that the node knew at the call; the time of the call by the clock of Redis, and how
-- long ago that was by the clock of the node, both in microseconds.
-- Answers: the number.
local number = given(ARGV[3])
local from, ahead = base()
local from_then, called, ago = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

-- Whether the call was a moment ago. Both clocks have to say so: it may have been on its way for long, and the caller was told
-- that it failed.
local function is_prompt()
  return ago <= PROMPT and math.abs(now_us() - called) <= PROMPT
end

if not number then
  number = from_then and from_then ~= from and from or math.max(last_number(), number_of_now())
elseif from_then and from_then ~= from then
  -- Redis lost something since. What was opened after that is above the base.
  number = math.min(number, from)
elseif from_then and last_number() <= number_of_now() then
  -- Numbers follow the clock: this is the time of the call, by two clocks.
  number = math.min(number, math.max(now_us() - ago + ahead, 0))
elseif from_then and is_prompt() then
  -- They count up, because they were further ahead of the clock than they should be.
  number = math.max(number, last_number())
end
raise(number)
lasts(life(ARGV[5]))
tell('a', ARGV[2], 'n', text(number), 'x', ARGV[4])
return text(number)
