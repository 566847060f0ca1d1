// Small, deterministic and fast: each rule of the one-file protocol is broken by a mutant, and each
// mutant has to fail here.
import type { AppendResult } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import type { Keep, LogStore } from '../../src/index.js'
import {
  everyCrash,
  faultVfs,
  flipBit,
  memVfs,
  type CrashContext,
  type FaultVfs,
  type MemVfs,
} from '../../src/testing/index.js'
import { isMarked, says, seenIn, settled, survives } from '../rewrite/omitted-syncs.js'
import { bySeq, create, facts, filled, holds, LOG, open, readAll } from '../rewrite/support.js'
import { lineOf } from '../rewrite/damage.js'
import { declareLoaded } from './mutant-loaded.js'

const FEW = { samples: 4, exhaustiveUpTo: 24, maxFailures: 1 }

interface Said {
  readonly acked: ReadonlyMap<number, string>
  readonly durable: ReadonlyMap<number, string>
  readonly marked: number
  readonly phase: 'before' | 'owned' | 'closing' | 'closed'
}

const NOTHING: Said = { acked: new Map(), durable: new Map(), marked: 0, phase: 'before' }

declareLoaded()

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

async function fresh(): Promise<MemVfs> {
  const vfs = memVfs()
  await create(vfs)
  return settled(vfs)
}

describe('crashes', () => {
  test('create', async () => {
    const start = memVfs()
    await start.mkdir('/data')
    const report = await everyCrash<true>(
      async (vfs, say) => {
        await create(vfs)
        say(true)
      },
      async (vfs, context) => {
        const there = (await vfs.stat(LOG)) !== null
        if (context.witness === true) {
          expect(there).toBe(true)
          await says(vfs, 'closed')
        }
        if (!there) await create(vfs)
        await holds(vfs, context, { acked: new Map() })
      },
      { ...FEW, start },
    )
    expect(report.failures).toEqual([])
  })

  test('append at level durable', async () => {
    const report = await everyCrash<Said>(
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
        for (const n of [7, 8]) {
          await store.append(facts(n, 1))
          acked = await all(store)
          say({ acked, durable: acked, marked: 6, phase: 'owned' })
        }
        say({ acked, durable: acked, marked: 6, phase: 'closing' })
        await store.close()
        say({ acked, durable: acked, marked: 8, phase: 'closed' })
      },
      keeps,
      { ...FEW, start: await fresh() },
    )
    expect(report.failures).toEqual([])
  })

  test('append at level flushed', async () => {
    const report = await everyCrash<Said>(
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
        say({ acked, durable: first, marked: 3, phase: 'closing' })
        await store.close()
        say({ acked, durable: acked, marked: 5, phase: 'closed' })
      },
      keeps,
      { ...FEW, start: await fresh() },
    )
    expect(report.failures).toEqual([])
  })

  test.each(['flushed', 'durable'] as const)(
    'what a killed owner (%s) left is durable once the next one has begun',
    async (ack) => {
      const vfs = await fresh()
      const killed = await open(vfs, { ack })
      await killed.begin()
      await killed.append(facts(1, 3))
      const acked = await all(killed)
      const report = await everyCrash<Said>(
        async (machine, say) => {
          const store = await open(machine)
          await store.begin()
          say({ acked, durable: acked, marked: 3, phase: 'owned' })
          say({ acked, durable: acked, marked: 3, phase: 'closing' })
          await store.close()
          say({ acked, durable: acked, marked: 3, phase: 'closed' })
        },
        async (machine, context) => {
          if (context.witness !== undefined || context.kind === 'kill') {
            return keeps(machine, { ...context, witness: context.witness ?? { ...NOTHING, acked } })
          }
          return survives(machine, context, new Map())
        },
        { ...FEW, start: vfs.kill() },
      )
      expect(report.failures).toEqual([])
    },
  )
})

describe('crashes of rewrites', () => {
  test('compaction at rest', async () => {
    const start = memVfs()
    const before = bySeq(await filled(start, 12))
    const late = new Map([...before].filter(([seq]) => seq > 5))
    const report = await everyCrash<true>(
      async (vfs, say) => {
        const store = await open(vfs)
        await store.compact({ plan: () => Promise.resolve(({ seq }) => seq > 5) })
        say(true)
        await store.close()
      },
      async (vfs, context) => {
        const seen = (await seenIn(vfs)).size
        expect(context.witness === true ? [late.size] : [before.size, late.size]).toContain(seen)
        if (context.witness === true) {
          await says(vfs, 'closed')
          await isMarked(vfs, 12, 'both slots', 2)
        }
        const names = await vfs.readdir('/data')
        await holds(vfs, context, { acked: seen === before.size ? before : late })
        if (context.witness === true) expect(names.filter((n) => n.endsWith('.tmp'))).toEqual([])
      },
      { ...FEW, start },
    )
    expect(report.failures).toEqual([])
  })

  test('compaction beside appends', async () => {
    const start = memVfs()
    const late = bySeq((await filled(start, 12)).filter(({ seq }) => seq > 5))
    const report = await everyCrash<ReadonlyMap<number, string>>(
      async (vfs, say) => {
        const store = await open(vfs)
        await store.begin()
        const running = store.compact({ plan: () => Promise.resolve(({ seq }) => seq > 5) })
        const acked = new Map(late)
        for (let n = 13; n <= 24; n += 2) {
          const { firstSeq } = await store.append(facts(n, 2))
          const added = store.read({ afterSeq: firstSeq - 1 })
          for await (const { seq, json } of added) acked.set(seq, json)
          say(new Map(acked))
        }
        expect((await running)?.verified).toBe(true)
        expect(await all(store)).toEqual(acked)
        await store.close()
      },
      (vfs, context) => holds(vfs, context, { acked: context.witness ?? late }),
      { ...FEW, samples: 2, exhaustiveUpTo: 8, start },
    )
    expect(report.failures).toEqual([])
  })

  test.each(['torn tail', 'flipped bit'] as const)('recovery of a %s', async (what) => {
    const start = memVfs()
    const before = bySeq(await filled(start, 12))
    const log = start.bytes(LOG)
    const tail = Buffer.from('{"seq":13,"kind":"ev')
    const at = log.indexOf('{"seq":6,')
    const line = log.subarray(at, log.indexOf(10, at))
    const [bytes, evidence] =
      what === 'torn tail'
        ? [Buffer.concat([log, tail]), tail]
        : [flipBit(log, (at + 40) * 8), flipBit(line, 40 * 8)]
    expect(lineOf(log, 6)).toBeGreaterThan(0)
    start.put(LOG, bytes)
    const left = new Map([...before].filter(([seq]) => what === 'torn tail' || seq !== 6))
    const recover = async (vfs: MemVfs): Promise<boolean> => {
      const store = await open(vfs)
      const { changed } = await store.recover({ mode: 'repair', acceptLoss: true })
      await store.close()
      return changed
    }
    const report = await everyCrash<true>(
      async (vfs, say) => {
        await recover(vfs)
        say(true)
      },
      async (vfs, context) => {
        if (context.witness === true) await says(vfs, 'closed')
        const changed = await recover(vfs)
        if (context.witness === true) expect(changed).toBe(false)
        const names = await vfs.readdir('/data')
        const kept = names.map((name) => vfs.bytes(`/data/${name}`))
        expect(kept.some((file) => file.includes(evidence))).toBe(true)
        await holds(vfs, context, { acked: left })
      },
      { ...FEW, start },
    )
    expect(report.failures).toEqual([])
  })
})

/** Each append in turn with this fault on the writes or syncs of the log or its mark. */
async function appending(
  rule: FaultVfs['rule'],
  run: (store: LogStore, vfs: FaultVfs, sound: MemVfs) => Promise<void>,
): Promise<void> {
  const sound = await fresh()
  const vfs = faultVfs(sound)
  const store = await open(vfs)
  await store.begin()
  await store.append(facts(1, 2))
  vfs.rule = rule
  await run(store, vfs, sound)
}

const codeOf = (work: Promise<AppendResult>): Promise<unknown> =>
  work.then(
    () => 'stored',
    (error: { code?: string }) => error.code,
  )

describe('faults', () => {
  test.each([{ short: 7 }, { short: 7, error: 'ENOSPC' }, { error: 'ENOSPC' }])(
    'a write that ends with %j stores nothing, and the next one goes on',
    async (fault) => {
      await appending(
        ({ op, path }) => (op === 'write' && path === LOG ? fault : null),
        async (store, vfs, sound) => {
          expect(await codeOf(store.append(facts(3, 3)))).toBe('write_failed')
          vfs.rule = () => null
          expect(await store.append(facts(6, 2))).toEqual({ firstSeq: 3, lastSeq: 4 })
          for (let n = 8; n < 24; n++) await store.append(facts(n, 1))
          const acked = await all(store)
          expect(acked.size).toBe(20)
          const context = { kind: 'kill', description: '', witness: undefined } as const
          await holds(sound.clone(), context, { acked })
          await store.close()
        },
      )
    },
  )

  test('what was refused does not come back with a power cut', async () => {
    await appending(
      ({ op, path }) => (op === 'write' && path === LOG ? { short: 1000, error: 'ENOSPC' } : null),
      async (store, _vfs, sound) => {
        expect(await codeOf(store.append(facts(3, 1)))).toBe('write_failed')
        for (const { vfs } of sound.crashStates({ samples: 16 })) {
          expect([...(await seenIn(vfs)).keys()]).toEqual([1, 2])
          expect(vfs.bytes(LOG).includes('{"seq":3')).toBe(false)
        }
        await store.close()
      },
    )
  })

  test('a mark that cannot be written refuses the append', async () => {
    await appending(
      ({ op, path }) => (op === 'write' && path === `${LOG}.mark` ? { short: 100 } : null),
      async (store, vfs) => {
        expect(await codeOf(store.append(facts(3, 1)))).toBe('write_failed')
        vfs.rule = () => null
        expect(await store.append(facts(3, 1))).toEqual({ firstSeq: 3, lastSeq: 3 })
        await store.close()
      },
    )
  })

  test('a failed sync stops the writer for good, also when the next would succeed', async () => {
    let failed = 0
    await appending(
      ({ op, path }) =>
        op === 'datasync' && path === LOG && failed++ === 0 ? { error: 'EIO' } : null,
      async (store, _vfs, sound) => {
        expect(await codeOf(store.append(facts(3, 1)))).toBe('writer_latched')
        expect(await codeOf(store.append(facts(4, 1)))).toBe('writer_latched')
        expect(failed, 'syncs of the log').toBe(1)
        await store.close()
        await says(sound, 'owned')
      },
    )
  })

  test.each(['shrunk', 'grown', 'replaced', 'moved'])(
    'a log that was %s stops the writer',
    async (what) => {
      const vfs = await fresh()
      let time = 0
      const clock = { now: () => 1_704_067_200_000, monotonic: () => (time += 2000) }
      const store = await open(vfs, { clock })
      await store.begin()
      await store.append(facts(1, 2))
      if (what === 'replaced' || what === 'moved') {
        // A file that was moved still has a name.
        if (what === 'moved') await vfs.rename(LOG, '/data/moved')
        vfs.put('/data/other', vfs.bytes(what === 'moved' ? '/data/moved' : LOG))
        await vfs.rename('/data/other', LOG)
      } else {
        const file = await vfs.open(LOG, 'read-write')
        await file.truncate(vfs.bytes(LOG).length + (what === 'grown' ? 5 : -5))
        await file.close()
      }
      expect(await codeOf(store.append(facts(3, 1)))).toBe('store_replaced')
      await store.close()
    },
  )

  test('a compaction of a log that was cut meanwhile refuses', async () => {
    const vfs = memVfs()
    await filled(vfs, 12)
    const store = await open(vfs)
    const bytes = vfs.bytes(LOG)
    const cut = bytes.lastIndexOf('{"seq":12,"kind":"event"')
    const plan = async (): Promise<Keep> => {
      const file = await vfs.open(LOG, 'read-write')
      await file.truncate(cut)
      await file.close()
      return ({ seq }) => seq > 5
    }
    await expect(store.compact({ plan })).rejects.toMatchObject({ code: 'anomalies_found' })
    await store.close()
  })

  test('an atomic write that fails leaves no temporary file', async () => {
    const sound = await fresh()
    const vfs = faultVfs(sound, ({ op, path }) =>
      op === 'sync' && path.includes('.tmp') ? { error: 'ENOSPC' } : null,
    )
    const store = await open(vfs)
    await expect(store.begin()).rejects.toMatchObject({ code: 'io_error' })
    expect((await sound.readdir('/data')).filter((name) => name.endsWith('.tmp'))).toEqual([])
    await store.close()
  })
})
