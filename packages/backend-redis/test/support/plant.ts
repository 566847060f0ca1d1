import type { PlantedRecord } from '@papyra/testkit'
import type { Redis } from 'ioredis'
import { recordBytes, seedOf } from '../../src/entry.js'
import { checksum } from './checksum.js'
import { keysOf } from '../../src/keys.js'

/** Appends sound records as a later version might write them: other kinds, or no usable time. */
export async function plant(
  client: Redis,
  system: string,
  records: readonly PlantedRecord[],
): Promise<void> {
  const keys = keysOf('papyra', system)
  for (const { kind, timestamp, members } of records) {
    const meta = await client.hgetall(keys.meta)
    const kinds = (meta['kinds'] ?? '').split(',')
    const seq = Number(meta['seq']) + 1
    const text = `"timestamp":${timestamp === null ? '1e400' : timestamp / 1000},${members}`
    const key = `ffff:1:${seq}`
    const added = Number(meta[`added:${kind}`] ?? 0) + 1
    const bytes =
      Number(meta[`bytes:${kind}`] ?? 0) + recordBytes(seq, kind, Buffer.byteLength(text))
    const c = checksum(seedOf(meta['log_id'] ?? ''), kind, key, text)
    const fields = [`${key}:${c}:${added}:${bytes}`, text]
    await client.xadd(keys.stream(kind), `${seq}-0`, ...fields)
    await client.hset(keys.meta, {
      seq,
      kinds: [...new Set([...kinds, kind])].join(','),
      [`added:${kind}`]: added,
      [`bytes:${kind}`]: bytes,
    })
  }
}
