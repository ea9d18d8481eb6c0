-- Ends sessions, known or not. ARGV: epoch; then for each session its id, when it expires, and in how many
-- seconds that is. Answers: how many of them were not known to have ended.
local news = 0
for i = FIRST, #KEYS, 2 do
  local at = 2 + (i - FIRST) / 2 * 3
  local id, expires, seconds = ARGV[at], ARGV[at + 1], life(ARGV[at + 2])
  local state = redis.call('GET', KEYS[i])
  lasts(seconds)
  if state and is_told(state) then
    -- Written again all the same: WAIT counts replicas that have what this connection has written.
    keep(KEYS[i], state, seconds + GRACE)
  else
    finish(i, id, expires, seconds + GRACE)
    -- One that ended while it was being opened is not news, although no node was told.
    if state ~= 'x' then
      news = news + 1
    end
  end
end
return news
