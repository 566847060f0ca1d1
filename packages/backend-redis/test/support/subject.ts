import { manualClock } from '@papyra/contracts'
import type { Subject } from '@papyra/testkit'
import type { Redis } from 'ioredis'
import { redisBackend, type RedisBackendOptions } from '../../src/index.js'
import { damageKit } from '../damage-kit.js'
import { plant } from './plant.js'

/** A store of that name for the conformance suite; `client` talks to the server that holds it. */
export function subjectOf(
  client: Redis,
  options: RedisBackendOptions,
  dispose: () => void = () => undefined,
): Subject {
  const { system } = options
  const tag = `{papyra:${system}}`
  return {
    definition: redisBackend(options),
    clock: manualClock(),
    another: () => redisBackend(options),
    damage: damageKit(client, tag),
    plant: (records) => plant(client, system, records),
    dispose: async () => {
      const keys = await client.keys(`${tag}:*`)
      if (keys.length > 0) await client.del(...keys)
      dispose()
    },
  }
}
