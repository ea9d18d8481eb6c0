-- The next entries of the stream. ARGV: after which one; how many at most.
-- Answers with one text, a line for each: its id, and its fields and values in turn. As a list of lists they would
-- take several times as long to read.
local lines = {}
for i, entry in ipairs(redis.call('XRANGE', ENDED, '(' .. ARGV[1], '+', 'COUNT', ARGV[2])) do
  lines[i] = entry[1] .. ' ' .. table.concat(entry[2], ' ')
end
return table.concat(lines, '\n')
