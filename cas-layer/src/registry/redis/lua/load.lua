-- The next entries of the stream. ARGV: after which one; how many at most.
-- Answers with one text, a line for each: its id, and its fields and values in turn. As a list of lists they would
-- take several times as long to read. Few texts are made on the way: they are most of the time that this takes.
local words, n = {}, 0
local entries = redis.call('XRANGE', ENDED, '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
for i = 1, #entries do
  local fields = entries[i][2]
  words[n + 1] = entries[i][1]
  n = n + 1
  for j = 1, #fields do
    words[n + j] = fields[j]
  end
  n = n + #fields + 1
  words[n] = '\n'
end
return table.concat(words, ' ')
