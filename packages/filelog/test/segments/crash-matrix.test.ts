// Small, deterministic and fast: each rule of the protocol of segments is broken by a mutant, and
// each mutant has to fail here. The long run (PAPYRA_LONG) takes many more mixtures.
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { memVfs, type MemVfs } from '../../src/testing/index.js'
import { declareLoaded } from '../mutants/mutant-loaded.js'
import {
  appendAll,
  compactAtRest,
  keeps,
  LONG,
  made,
  NOTHING,
  SKIPPED,
  oldOrNew,
  type Said,
  Tally,
  THREE,
  threeDeep,
} from './crash-matrix.js'
import { compactTo } from './compact-support.js'
import { damagedStore, recoverAndSay, recovered } from './crash-recovery.js'
import { DAMAGES } from './recover-damage.js'
import { create, DIR, holds, open, segmentPaths, strictly } from './support.js'
import { segmentPath } from '../../src/segments/names.js'

const tally = new Tally()
afterEach(({ task }) => {
  if (LONG) console.log(`${tally.count} states so far: ${task.name}`)
})
afterAll(() => console.log(tally.text()))

declareLoaded()

/** A new store, everything of it synced. */
async function fresh(): Promise<MemVfs> {
  const vfs = memVfs()
  await create(vfs)
  return settled(vfs)
}

/** The machine as it is, with the lock file's content synced: its fate is of no interest here. */
async function settled(vfs: MemVfs): Promise<MemVfs> {
  const file = await vfs.open(`${DIR}/store.lock`, 'read-write')
  await file.datasync()
  await file.close()
  await vfs.syncDir(DIR)
  return vfs.clone()
}

describe('crashes of a writer', () => {
  test('create', async () => {
    const start = memVfs()
    await start.mkdir('/data')
    await tally.run<true>(
      'create',
      async (vfs, say) => {
        await create(vfs)
        say(true)
      },
      async (vfs, context) => {
        const there = await open(vfs, { access: 'read' }).then(
          (store) => store.close().then(() => true),
          (error: { code?: string }) => {
            expect(error.code).toBe('store_not_found')
            return false
          },
        )
        if (context.witness === true) expect(there).toBe(true)
        if (!there) await create(vfs)
        await holds(vfs, context, { acked: new Map() }, THREE)
      },
      { start },
    )
  })

  test('begin, append, seal, rotate, close, at level durable', async () => {
    await tally.run<Said>(
      'append and rotate, durable',
      async (vfs, say) => {
        const store = await open(vfs, THREE)
        await store.begin()
        let last: Said = { ...NOTHING, phase: 'owned' }
        say(last)
        await appendAll(vfs, store, 1, 9, (acked) => {
          // Whoever sealed a segment has named its last number in the mark of the next.
          last = { acked, durable: acked, phase: 'owned', marked: acked.size - 3 }
          say(last)
        })
        await store.flush()
        last = { ...last, marked: 9 }
        say(last)
        say({ ...last, phase: 'closing' })
        await store.close()
        say({ ...last, phase: 'closed' })
      },
      keeps,
      { start: await fresh() },
    )
  })

  test('begin, append, seal, rotate, close, at level flushed', async () => {
    await tally.run<Said>(
      'append and rotate, flushed',
      async (vfs, say) => {
        const store = await open(vfs, { ...THREE, ack: 'flushed' })
        await store.begin()
        let last: Said = { ...NOTHING, phase: 'owned' }
        say(last)
        await appendAll(vfs, store, 1, 6, (acked) => {
          // What was sealed is synced, at this level too.
          const durable = new Map([...acked].filter(([seq]) => seq <= acked.size - 3))
          last = { acked, durable, phase: 'owned', marked: acked.size - 3 }
          say(last)
        })
        await store.flush()
        const { acked } = last
        last = { acked, durable: acked, phase: 'owned', marked: 6 }
        say(last)
        say({ ...last, phase: 'closing' })
        await store.close()
        say({ ...last, phase: 'closed' })
      },
      keeps,
      { start: await fresh() },
    )
  })

  test.each(['flushed', 'durable'] as const)('an owner after a killed one (%s)', async (ack) => {
    const vfs = await fresh()
    const killed = await open(vfs, { ...THREE, ack })
    await killed.begin()
    const before = await appendAll(vfs, killed, 1, 5)
    await tally.run<Said>(
      'begin after a kill',
      async (machine, say) => {
        const store = await open(machine, THREE)
        await store.begin()
        const there = { acked: before, durable: before, phase: 'owned', marked: 5 } as const
        say(there)
        const more = await appendAll(machine, store, 6, 3)
        const acked = new Map([...before, ...more])
        say({ ...there, acked, durable: acked })
        say({ ...there, acked, durable: acked, phase: 'closing' })
        await store.close()
        say({ acked, durable: acked, phase: 'closed', marked: 8 })
      },
      async (machine, context) => {
        const { witness, kind } = context
        if (witness !== undefined) return keeps(machine, context)
        const acked = kind === 'kill' || ack === 'durable' ? before : new Map<number, string>()
        const durable = ack === 'durable' ? acked : new Map<number, string>()
        return keeps(machine, { ...context, witness: { ...NOTHING, acked, durable } })
      },
      { start: vfs.kill() },
    )
  })
})

/** Of twelve records: the first segment goes, one stays, and the two others lose some of theirs. */
const STAYS = (seq: number): boolean => seq > 3 && seq !== 5 && seq !== 12
/** Both sealed and the active segment are among what goes. */
const LATE = (seq: number): boolean => seq > 11
const NONE = (): boolean => false

describe('crashes of a compaction', () => {
  test.each([
    ['drop and rewrite', STAYS],
    ...(LONG ? ([['drop all but the last', LATE]] as const) : []),
    ['drop all', NONE],
  ] as const)('at rest: %s', async (what, stays) => {
    const start = memVfs()
    const before = await made(start, 12)
    await tally.run<true>(
      `compact at rest, ${what}`,
      async (vfs, say) => {
        await compactAtRest(vfs, stays)
        say(true)
      },
      (vfs, context) => oldOrNew(vfs, context, before, stays),
      { start },
    )
  })

  test('beside appends and rotations', async () => {
    const start = memVfs()
    const before = await made(start, 12)
    const left = new Map([...before].filter(([seq]) => STAYS(seq)))
    await tally.run<ReadonlyMap<number, string>>(
      'compact beside appends',
      async (vfs, say) => {
        const store = await open(vfs, THREE)
        await store.begin()
        const running = compactTo(store, (seq) => STAYS(seq) || seq > 12)
        const acked = new Map(left)
        await appendAll(vfs, store, 13, LONG ? 9 : 6, (more) => {
          for (const [seq, json] of more) acked.set(seq, json)
          say(new Map(acked))
        })
        expect((await running)?.verified).toBe(true)
        await store.close()
        expect(new Map((await strictly(vfs)).records)).toEqual(acked)
      },
      (vfs, context) => holds(vfs, context, { acked: context.witness ?? left }, THREE),
      { start, ...(LONG ? {} : { samples: 0, exhaustiveUpTo: 2 }) },
    )
  })

  test('killed, then lost with its power under the next owner', async () => {
    const start = memVfs()
    const before = await made(start, 12)
    const left = new Map([...before].filter(([seq]) => STAYS(seq)))
    const goOn = async (vfs: MemVfs, say: (acked: ReadonlyMap<number, string>) => void) => {
      const store = await open(vfs, THREE)
      await store.begin({ onDamage: 'set_tail_aside' })
      const more = await appendAll(vfs, store, 13, 2)
      say(new Map([...left, ...more]))
      await store.close()
    }
    await tally.run<true>(
      'compact, killed',
      (vfs) => compactAtRest(vfs, STAYS),
      async (vfs, { kind, description }) => {
        // What was not synced then may still be lost with the power.
        if (kind === 'power' || !(LONG || / (syncDir|unlink) /.test(description))) return SKIPPED
        return tally.run<ReadonlyMap<number, string>>(
          'compact, killed, and a power cut under the next owner',
          goOn,
          (machine, context) =>
            holds(
              machine,
              { ...context, kind: 'power' },
              { acked: context.witness ?? left },
              THREE,
            ),
          { start: vfs, ...(LONG ? {} : { samples: 1, exhaustiveUpTo: 4 }) },
        )
      },
      { start },
    )
  })

  test('interrupted three times, then run to its end', async () => {
    const start = memVfs()
    const before = await made(start, 12)
    const compact = async (vfs: MemVfs, say: (done: true) => void): Promise<void> => {
      await compactAtRest(vfs, STAYS)
      say(true)
    }
    await threeDeep(tally, 'compact', start, compact, (vfs, context) =>
      oldOrNew(vfs, context, before, STAYS, 'was interrupted'),
    )
  })
})

/** Damages of each sort, three of which lose records. */
const RECOVERIES = [
  ...(LONG
    ? DAMAGES.map(({ name }) => name)
    : ['torn tail', 'a flipped bit in a sealed segment', 'no manifest', 'an orphan']),
  'no manifest, and of the active segment only its mark',
]

describe('crashes of a recovery', () => {
  test.each(RECOVERIES)('of: %s', async (name) => {
    const from = await damagedStore(name)
    await tally.run<true>(
      'recover',
      recoverAndSay,
      (vfs, context) => recovered(vfs, context, from),
      { start: from.start },
    )
  })

  test.each(['nothing else', 'an orphan'])(
    'of what a killed owner left, and %s: what was seen stays',
    async (beside) => {
      const vfs = await fresh()
      const killed = await open(vfs, { ...THREE, ack: 'flushed' })
      await killed.begin()
      const acked = await appendAll(vfs, killed, 1, 5)
      if (beside === 'an orphan') {
        vfs.put(
          segmentPath(DIR, { firstSeq: 2, generation: 1 }),
          vfs.bytes(segmentPaths(vfs)[0] ?? ''),
        )
      }
      await tally.run<true>(
        'recover what a killed owner left',
        async (machine, say) => {
          const store = await open(machine, THREE)
          expect((await store.recover({ mode: 'repair' })).after?.clean).toBe(true)
          say(true)
          await store.close()
        },
        async (machine, { kind, witness }) => {
          if (kind === 'power' && witness === undefined) return SKIPPED
          const store = await open(machine, THREE)
          const { changed } = await store.recover({ mode: 'repair' })
          if (witness === true) expect(changed).toBe(false)
          await store.close()
          expect(new Map((await strictly(machine)).records)).toEqual(acked)
          return undefined
        },
        { start: vfs.kill() },
      )
    },
  )

  const deep = LONG ? RECOVERIES : ['a missing segment and a flipped bit in another']
  test.each(deep)('interrupted three times: %s', async (name) => {
    const from = await damagedStore(name)
    await threeDeep(tally, 'recover', from.start, recoverAndSay, (vfs, context) =>
      recovered(vfs, context, from),
    )
  })
})
