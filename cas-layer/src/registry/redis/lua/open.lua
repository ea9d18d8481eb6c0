-- Opens what had begun. ARGV: epoch; the instance of Redis; when the session expires; in how many seconds that is;
-- the highest number that the node knows; the family of the session, or nothing.
-- Answers: `live` and a number, `ended`, or `unknown`: begun before Redis was restarted, or not at all, so a
-- logout may have been lost.
local key, expires, seconds = KEYS[FIRST], ARGV[3], life(ARGV[4])
local state = redis.call('GET', key)
if not state then
  return { 'unknown' }
end
local kind = string.sub(state, 1, 1)
if kind == 'b' and string.match(state, '^b%d+:(.*)$') ~= ARGV[2] then
  return { 'unknown' }
end
if kind == 'e' or kind == 'x' then
  return { 'ended' }
end
local number = math.max(last_number(), given(ARGV[5]) or 0) + 1
number = math.max(number, number_of_now())
redis.call('SET', NUMBER, text(number))
lasts(seconds)
-- Opened before: it lasts until the later of the two times, and what is kept for it stays.
expires = text(math.max(tonumber(expires), tonumber(string.match(state, '^o(%d+)') or '0')))
local family = ARGV[6] ~= '' and ARGV[6] or string.match(state, '^o%d+:(%x+)$')
keep(key, opened(expires, family), seconds + GRACE)
last_as_long(KEYS[FIRST + 1], key)
return { 'live', text(number) }
