-- Ends every session of an account up to a number. ARGV: epoch; the account; the number that the node gave;
-- when the last of them expires; in how many seconds that is; 1 if the node asks at once, so that all sessions
-- opened so far are meant.
-- Answers: the number.
local number = tonumber(ARGV[3])
if ARGV[6] == '1' then
  number = math.max(number, number_at(NUMBER), now_us())
end
raise(NUMBER, number)
lasts(tonumber(ARGV[5]))
tell('a', ARGV[2], 'n', text(number), 'x', ARGV[4])
return text(number)
