-- A validation is expected. ARGV: its name; for how many milliseconds at most.
redis.call('ZADD', EXPECTED, text(now_ms() + tonumber(ARGV[2])), ARGV[1])
local last = last_end()
if last then
  redis.call('PEXPIREAT', EXPECTED, text(last))
end
return 1
