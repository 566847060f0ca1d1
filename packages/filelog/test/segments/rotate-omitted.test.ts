import { describe, expect, test } from 'vitest'
import { decodeSlot, SLOT_BYTES } from '../../src/format/ack-mark.js'
import { segmentPath } from '../../src/segments/names.js'
import { memVfs, type CrashContext, type MemVfs } from '../../src/testing/index.js'
import { missesEachSync, type Early } from '../rewrite/omitted-syncs.js'
import { create, DIR, facts, holds, manifestOf, open, storedAs } from './support.js'

interface Said {
  readonly acked: ReadonlyMap<number, string>
  readonly phase: 'none' | 'owned' | 'closing' | 'closed'
  /** The last number that the mark of the active segment has to name after a power cut. */
  readonly marked: number
}

const NOTHING: Said = { acked: new Map(), phase: 'none', marked: 0 }

/** The machine as it is, with the lock file's content synced: its fate is of no interest here. */
async function settled(vfs: MemVfs): Promise<MemVfs> {
  const file = await vfs.open(`${DIR}/store.lock`, 'read-write')
  await file.datasync()
  await file.close()
  await vfs.syncDir(DIR)
  return vfs.clone()
}

function slotsNaming(vfs: MemVfs, seq: number): number {
  const bytes = vfs.bytes(`${segmentPath(DIR, manifestOf(vfs).active)}.mark`)
  const slots = [0, 1].map((i) => decodeSlot(bytes.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES)))
  return slots.filter((slot) => slot !== null && slot.acked >= seq).length
}

async function keeps(vfs: MemVfs, context: CrashContext<Said>): Promise<void> {
  const { acked, phase, marked } = context.witness ?? NOTHING
  if (phase === 'owned' || phase === 'closed') {
    expect(manifestOf(vfs).clean).toBe(phase === 'closed')
  }
  const slots = slotsNaming(vfs, marked)
  expect(slots).toBeGreaterThanOrEqual(phase === 'closed' ? 2 : 1)
  await holds(vfs, context, { acked })
}

/** The owner before closed the store, so nothing of it was left unsynced. */
const CLOSED_BEFORE: readonly Early[] = [
  {
    sync: 'datasync shop/*00000001-00000001.ndjson',
    why: 'of begin: all that stands there was synced at the close',
  },
  {
    sync: 'datasync shop/*00000001-00000001.ndjson.mark',
    why: 'of begin: the mark was synced at the close',
  },
]

describe('each sync left out in turn is missed', () => {
  test('begin, appends that rotate, close', async () => {
    const start = memVfs()
    await create(start)
    await missesEachSync<Said>(
      await settled(start),
      async (vfs, say) => {
        const store = await open(vfs, { seal: { maxRecords: 2 } })
        await store.begin()
        const { logId } = manifestOf(vfs)
        const acked = new Map<number, string>()
        say({ ...NOTHING, phase: 'owned' })
        for (const n of [1, 3, 5]) {
          const given = facts(n, 2)
          await store.append(given)
          for (const [seq, json] of storedAs(logId, given, n)) acked.set(seq, json)
          // Whoever sealed a segment has named its last number in the mark of the next.
          say({ acked: new Map(acked), phase: 'owned', marked: n - 1 })
        }
        say({ acked, phase: 'closing', marked: 4 })
        await store.close()
        say({ acked, phase: 'closed', marked: 6 })
      },
      keeps,
      CLOSED_BEFORE,
    )
  })
})
