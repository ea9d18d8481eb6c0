-- Ends every session of an account up to a number. ARGV: epoch; the account; the number that the node gave; when the last
-- of them expires; in how many seconds that is. If the end is known, that is all. If it was called for and Redis has not
-- heard of it yet, these follow: the base that the node knew at the call; the time of the call by the clock of Redis; how
-- long ago that was by the clock of the node; and for how long after the call somebody waits for the answer, 0 if nobody does
-- any more. The last three are in microseconds.
-- Answers: the number, and whether all sessions are at most as high that were opened before the call.
local number = given(ARGV[3])
local from, ahead = base()
local from_then, called, ago, patience = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])

-- Whether somebody still waits for the answer. Both clocks have to say so: the call may have been on its way for long, and the
-- caller was told that it failed.
local function is_prompt()
  return ago <= patience and math.abs(now_us() - called) <= patience
end

local is_sure = true
if from_then and is_prompt() then
  -- All that are open. By the clock alone some may be missed: their numbers count up if they were ahead of it.
  number = math.max(number or number_of_now(), last_number())
elseif from_then then
  -- What was opened after the call goes on, and nobody is told that it has ended what was opened before.
  is_sure = false
  if from_then ~= from then
    -- Redis lost something since. What was opened after that is above the base.
    number = math.min(number or from, from)
  elseif number and last_number() <= number_of_now() then
    -- Numbers follow the clock: this is the time of the call, by two clocks.
    number = math.min(number, math.max(now_us() - ago + ahead, 0))
  end
end
number = number or math.max(last_number(), number_of_now())
raise(number)
lasts(life(ARGV[5]))
tell('a', ARGV[2], 'n', text(number), 'x', ARGV[4])
return { text(number), is_sure and 1 or 0 }
