-- How things stand. ARGV: the last entry of the stream that the node has seen.
-- Answers: epoch, the time in microseconds, number, longest lifetime, whether recovering lasts, the stream's last id,
-- whether the entry is there still, and how many unknown sessions are kept, for each of KEPT; and the base, and
-- by how much numbers are ahead of the clock.
local function kept(share)
  return text(number_at(KEPT[share], math.huge) or 0)
end
local last, seen = '0-0', ARGV[1]
if redis.call('EXISTS', ENDED) == 1 then
  local about = redis.call('XINFO', 'STREAM', ENDED)
  for i = 1, #about, 2 do
    if about[i] == 'last-generated-id' then
      last = about[i + 1]
    end
  end
end
local from, ahead = base()
return {
  { redis.call('GET', EPOCH) or '', text(now_us()), text(last_number()), text(longest_life()) },
  { redis.call('EXISTS', RECOVERING), last, #redis.call('XRANGE', ENDED, seen, seen) },
  { kept(1), kept(2), kept(3) },
  { text(from), text(ahead) },
}
