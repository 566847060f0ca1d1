import { describe, expect, test } from 'vitest'
import type { Keep } from '../../src/index.js'
import { memVfs, type CrashContext, type MemVfs } from '../../src/testing/index.js'
import { isMarked, missesEachSync, says, settled } from './omitted-syncs.js'
import { bySeq, facts, filled, holds, open, readAll } from './support.js'

const keepLate: Keep = ({ seq }) => seq > 3
const plan = (): Promise<Keep> => Promise.resolve(keepLate)

interface Said {
  readonly acked: ReadonlyMap<number, string>
  /** The generation that has to be in place at least. */
  readonly generation: number
  /** The last number that the mark of the new generation has to name; 0 if it need not be there. */
  readonly marked: number
}

/** Appends before, during and behind a compaction, flushes, and is killed. */
async function compactWhileAppending(vfs: MemVfs, say: (said: Said) => void): Promise<void> {
  const store = await open(vfs)
  await store.begin()
  let acked = bySeq((await readAll(store)).filter(keepLate))
  const tell = (generation: number, marked: number = 0): void => say({ acked, generation, marked })
  const append = async (n: number): Promise<void> => {
    const { firstSeq } = await store.append(facts(n, 1))
    acked = new Map(acked)
    for await (const { seq, json } of store.read({ afterSeq: firstSeq - 1 })) acked.set(seq, json)
  }
  tell(1)
  const compaction = store.compact({ plan })
  await append(7)
  tell(1)
  await append(8)
  tell(1)
  expect((await compaction)?.verified).toBe(true)
  tell(2)
  await append(9)
  tell(2)
  await store.flush()
  tell(2, 9)
  vfs.kill()
}

async function keeps(
  vfs: MemVfs,
  context: CrashContext<Said>,
  before: ReadonlyMap<number, string>,
): Promise<void> {
  const { witness } = context
  if (witness !== undefined) {
    await says(vfs, 'owned')
    const { generation, marked } = witness
    if (marked > 0) await isMarked(vfs, marked, 'either slot', generation)
    const store = await open(vfs, { access: 'read' })
    expect((await store.describe()).generation).toBeGreaterThanOrEqual(generation)
    await store.close()
  }
  await holds(vfs, context, { acked: witness?.acked ?? before })
}

describe('compaction while appends go on: each sync left out in turn is missed', () => {
  test('appends before, during and behind it', async () => {
    const vfs = memVfs()
    const before = bySeq((await filled(vfs, 6)).filter(keepLate))
    await missesEachSync<Said>(
      await settled(vfs),
      compactWhileAppending,
      (after, context) => keeps(after, context, before),
      [
        { sync: 'datasync shop.ndjson', why: 'of begin: all was synced at the close before' },
        { sync: 'datasync shop.ndjson.mark', why: 'of begin: so was the mark' },
        {
          sync: 'datasync shop.ndjson.*.tmp',
          why: 'of the copy: it only leaves less to the sync that follows while appends wait',
        },
        {
          sync: 'syncDir behind rename shop.ndjson.meta.json, 3',
          why: 'of the settled sidecar: the folder is synced again behind the mark',
        },
        {
          sync: 'syncDir behind rename shop.ndjson.mark',
          why: 'the one behind the sidecar that says when the result was verified does the same',
        },
        {
          sync: 'datasync shop.ndjson.mark, 2',
          why: 'of the new mark: it was synced when it was put in place',
        },
        {
          sync: 'syncDir behind rename shop.ndjson.meta.json, 4',
          why: 'of when the result was verified: without it the store was only never verified',
        },
      ],
    )
  })
})
