-- Before every script that relies on what Redis knows. A node that knows another epoch than Redis has not
-- noticed yet that Redis lost everything.
if redis.call('GET', EPOCH) ~= ARGV[1] then
  return redis.error_reply('LOST what was known of sessions')
end
