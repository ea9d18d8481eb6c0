-- Ends every session of an account up to a number. ARGV: epoch; the account; the number that the node gave;
-- when the last of them expires; in how many seconds that is; 1 if the node asks at once, so that all sessions
-- opened so far are meant; and so they are where the node gave a number that cannot be one.
-- Answers: the number.
local number = given(ARGV[3])
if not number or ARGV[6] == '1' then
  number = math.max(number or 0, last_number(), now_us())
end
raise(number)
lasts(life(ARGV[5]))
tell('a', ARGV[2], 'n', text(number), 'x', ARGV[4])
return text(number)
