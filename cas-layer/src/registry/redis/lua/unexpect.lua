-- A validation is not expected any more. ARGV: its name.
redis.call('ZREM', EXPECTED, ARGV[1])
last_end()
return 1
