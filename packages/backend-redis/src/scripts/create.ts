import { script, type Script } from '../script.js'

/** Writes a `:meta` that is gone. KEYS: meta. ARGV: fields and values. Answers `made` or `exists`. */
export const restoreScript: Script = script(`
if redis.call('EXISTS', KEYS[1]) == 1 then return {'exists'} end
redis.call('HSET', KEYS[1], unpack(ARGV))
return {'made'}
`)

/**
 * Makes a new, empty store unless one is there.
 *
 * KEYS: meta, writers, the streams. ARGV: fields and values of meta.
 * Answers `made`; `exists` if there is a store; `leftover` and the place of a key that is there
 * without a store.
 */
export const createScript: Script = script(`
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'hash' then return {'exists'} end
for i = 1, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then return {'leftover', i} end
end
redis.call('HSET', KEYS[1], unpack(ARGV))
return {'made'}
`)
