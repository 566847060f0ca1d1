// A throw-away copy of a store, on a server of its own, that drills may damage.
import {
  isRecordKind,
  PapyraError,
  type AppendFact,
  type Backend,
  type BackendDefinition,
  type ScratchStore,
  type StoredRecord,
} from '@papyra/contracts'
import { list, text } from './entry.js'
import { openConsumerGroup } from './groups/open.js'
import type { RedisBackendOptions } from './options.js'
import { connectionTo, placeOf } from './place.js'
import { alterEntry } from './scratch-damage.js'
import { ScratchServer } from './scratch-server.js'

const DAMAGES = ['truncate', 'bit-flip', 'bad-utf8', 'redis-restart', 'unacked'] as const
const BATCH = 500
/** How many records a consumer holds when it dies, at most. */
const HELD = 5

export interface ScratchHow {
  readonly dir: string
  readonly sample: number
}

/**
 * Copies the newest records that take at most `sample` bytes to a redis-server of its own, with its files
 * in `dir`. The source is only read. Rejects with `unsupported` where there is no redis-server.
 */
export async function scratchStore(
  source: Backend,
  { dir, sample }: ScratchHow,
  make: (options: RedisBackendOptions) => BackendDefinition,
): Promise<ScratchStore> {
  const server = new ScratchServer(dir)
  try {
    await server.start()
    const options = { url: server.url, password: server.password, system: 'scratch' }
    const definition = make(options)
    const { records, bytes } = await copyNewest(source, definition, sample)
    return {
      definition,
      made: `the newest ${records} records, ${bytes} bytes, on a redis-server of their own`,
      damages: DAMAGES,
      damage: (kind, seed) => damage(kind, seed, { server, options }),
      dispose: () => server.stop(),
    }
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function copyNewest(
  source: Backend,
  target: BackendDefinition,
  most: number,
): Promise<{ readonly records: number; readonly bytes: number }> {
  let [bytes, afterSeq, records] = [0, 0, 0]
  for await (const meta of source.readMeta()) {
    afterSeq = meta.seq
    if (bytes + meta.bytes > most) break
    bytes += meta.bytes
    afterSeq = meta.seq - 1
  }
  const store = await target.open({ access: 'write', create: 'if-missing' })
  try {
    await store.begin()
    let batch: AppendFact[] = []
    for await (const record of source.read({ afterSeq })) {
      batch.push(...factOf(record))
      if (batch.length < BATCH) continue
      await store.append(batch)
      records += batch.length
      batch = []
    }
    if (batch.length > 0) await store.append(batch)
    return { records: records + batch.length, bytes }
  } finally {
    await store.close()
  }
}

/** None for a kind that only a later version knows. */
function factOf({ kind, timestamp, json }: StoredRecord): AppendFact[] {
  if (!isRecordKind(kind)) return []
  const { seq, kind: _, timestamp: __, crc, ...body } = JSON.parse(json) as Record<string, unknown>
  void [seq, crc]
  const members = JSON.stringify(body).slice(1, -1)
  return [{ kind, timestamp: Number.isFinite(timestamp) ? timestamp : 0, members }]
}

interface Copy {
  readonly server: ScratchServer
  readonly options: RedisBackendOptions
}

async function damage(kind: string, seed: number, { server, options }: Copy): Promise<string> {
  if (kind === 'truncate') return deleteNewest(options, 1 + (seed % 7))
  if (kind === 'bit-flip' || kind === 'bad-utf8') return alterEntry(options, kind, seed)
  if (kind === 'unacked') return holdSome(options)
  if (kind === 'redis-restart') {
    await server.kill()
    await server.start()
    return 'the redis-server of the copy was killed with SIGKILL and started again'
  }
  throw new PapyraError('unsupported', `A copy on a server has no damage of the kind ${kind}.`, {
    hint: `There are: ${DAMAGES.join(', ')}.`,
  })
}

/** Deletes the newest entries of the first stream that has any. */
async function deleteNewest(options: RedisBackendOptions, count: number): Promise<string> {
  const place = placeOf(options)
  const connection = connectionTo(place)
  try {
    for (const key of place.keys.streams) {
      const found = list(await connection.ask('XREVRANGE', key, '+', '-', 'COUNT', count))
      if (found.length === 0) continue
      const ids = found.map((entry) => text(list(entry)[0] ?? null))
      await connection.ask('XDEL', key, ...ids)
      return `the newest ${ids.length} entries of ${key} were deleted`
    }
    return 'nothing was deleted: there are no entries'
  } finally {
    connection.close()
  }
}

/** A consumer is handed records and dies. */
async function holdSome(store: RedisBackendOptions): Promise<string> {
  const group = await openConsumerGroup({ store, kind: 'event', group: 'papyra-drill' })
  try {
    await group.ensure({ start: 'oldest' })
    const end = AbortSignal.timeout(2000)
    const how = { consumer: 'drill', batch: HELD, blockMs: 100, claimEveryMs: 0, signal: end }
    let held = 0
    try {
      for await (const _delivery of group.consume(how)) if (++held === HELD) break
    } catch (error) {
      if (!end.aborted) throw error
    }
    return `a consumer was handed ${held} records and died`
  } finally {
    await group.close()
  }
}
