import { script, type Script } from '../script.js'

/**
 * What the store says of itself, at one moment. Changes nothing.
 *
 * KEYS: meta, then streams. Answers all of meta, then for each stream its length (-1 if there is no
 * such key), its first and its last entry, the last id it ever gave, and the greatest id that was
 * deleted singly.
 */
export const lookScript: Script = script(`
local answer = {redis.call('HGETALL', KEYS[1])}
for i = 2, #KEYS do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind == 'none' then
    answer[i] = {-1}
  else
    local info = redis.call('XINFO', 'STREAM', KEYS[i])
    local found = {}
    for at = 1, #info, 2 do found[info[at]] = info[at + 1] end
    answer[i] = {found['length'], redis.call('XRANGE', KEYS[i], '-', '+', 'COUNT', 1),
      redis.call('XREVRANGE', KEYS[i], '+', '-', 'COUNT', 1),
      found['last-generated-id'], found['max-deleted-entry-id']}
  end
end
return answer
`)
