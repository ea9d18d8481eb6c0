-- A callback takes its beginning back. ARGV: epoch.
local key = KEYS[FIRST]
local callbacks, instance = string.match(redis.call('GET', key) or '', '^b(%d+):(.*)$')
if callbacks == '1' then
  redis.call('DEL', key)
elseif callbacks then
  redis.call('SET', key, 'b' .. callbacks - 1 .. ':' .. instance, 'KEEPTTL')
end
return 1
