import { describe, test } from 'vitest'
import type { LogStore } from '../../src/index.js'
import { memVfs, type CrashContext, type MemVfs } from '../../src/testing/index.js'
import { isMarked, missesEachSync, says, settled, survives, type Early } from './omitted-syncs.js'
import { bySeq, create, facts, holds, open, readAll } from './support.js'

interface Said {
  /** All that was acknowledged. */
  readonly acked: ReadonlyMap<number, string>
  /** What of it is promised to survive a power cut as well. */
  readonly durable: ReadonlyMap<number, string>
  /** The last number that the mark has to name after a power cut. */
  readonly marked: number
  readonly phase: 'before' | 'owned' | 'closing' | 'closed'
}

const NOTHING: Said = { acked: new Map(), durable: new Map(), marked: 0, phase: 'before' }

async function fresh(): Promise<MemVfs> {
  const vfs = memVfs()
  await create(vfs)
  return settled(vfs)
}

async function keeps(vfs: MemVfs, context: CrashContext<Said>): Promise<void> {
  const { acked, durable, marked, phase } = context.witness ?? NOTHING
  if (phase === 'owned') await says(vfs, 'owned')
  if (phase === 'closed') await says(vfs, 'closed')
  await isMarked(vfs, marked, phase === 'closed' ? 'both slots' : 'either slot')
  if (context.kind === 'kill' || acked === durable) return holds(vfs, context, { acked })
  await survives(vfs, context, durable)
}

async function all(store: LogStore): Promise<Map<number, string>> {
  return bySeq(await readAll(store))
}

/** The owner before closed the store, so nothing of it was left unsynced. */
const CLOSED_BEFORE: readonly Early[] = [
  { sync: 'datasync shop.ndjson', why: 'of begin: all that stands there was synced at the close' },
  { sync: 'datasync shop.ndjson.mark', why: 'of begin: the mark was synced at the close' },
]

describe('appends through a store: each sync left out in turn is missed', () => {
  test('level durable', async () => {
    await missesEachSync<Said>(
      await fresh(),
      async (vfs, say) => {
        const store = await open(vfs)
        await store.begin()
        say({ ...NOTHING, phase: 'owned' })
        let acked: Map<number, string> = new Map()
        for (const n of [1, 4]) {
          await store.append(facts(n, 3))
          acked = await all(store)
          say({ acked, durable: acked, marked: 0, phase: 'owned' })
        }
        await store.flush()
        say({ acked, durable: acked, marked: 6, phase: 'owned' })
        await store.append(facts(7, 1))
        acked = await all(store)
        say({ acked, durable: acked, marked: 6, phase: 'owned' })
        say({ acked, durable: acked, marked: 6, phase: 'closing' })
        await store.close()
        say({ acked, durable: acked, marked: 7, phase: 'closed' })
      },
      keeps,
      CLOSED_BEFORE,
    )
  })

  test('level flushed', async () => {
    await missesEachSync<Said>(
      await fresh(),
      async (vfs, say) => {
        const store = await open(vfs, { ack: 'flushed' })
        await store.begin()
        say({ ...NOTHING, phase: 'owned' })
        await store.append(facts(1, 3))
        const first = await all(store)
        say({ ...NOTHING, acked: first, phase: 'owned' })
        await store.flush()
        say({ acked: first, durable: first, marked: 3, phase: 'owned' })
        await store.append(facts(4, 2))
        const acked = await all(store)
        say({ acked, durable: first, marked: 3, phase: 'owned' })
        say({ acked, durable: first, marked: 3, phase: 'closing' })
        await store.close()
        say({ acked, durable: acked, marked: 5, phase: 'closed' })
      },
      keeps,
      CLOSED_BEFORE,
    )
  })
})
