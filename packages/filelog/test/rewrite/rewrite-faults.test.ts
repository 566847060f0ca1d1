import { describe, expect, test } from 'vitest'
import { isPapyraError, type StoredRecord } from '@papyra/contracts'
import type { Vfs } from '../../src/index.js'
import { everyFault, memVfs, type FaultContext, type MemVfs } from '../../src/testing/index.js'
import { DAMAGES } from './damage.js'
import { bySeq, facts, filled, LOG, open, readAll } from './support.js'

const FAULTS = [{ error: 'ENOSPC' }, { error: 'EIO' }, { short: 5 }] as const

async function endsWith(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => error,
  )
}

/** Whatever failed: the error is one of ours, and on a sound file system nothing is missing. */
async function stillThere(
  sound: MemVfs,
  error: unknown,
  context: FaultContext | null,
  expected: ReadonlyMap<number, string>,
): Promise<void> {
  const said = context?.description ?? 'without a fault'
  if (error !== null && !isPapyraError(error))
    throw new Error(`${said}: not one of ours`, { cause: error })
  const store = await open(sound.kill())
  try {
    const report = await store.recover({ mode: 'repair', acceptLoss: true })
    expect(report.after?.anomalies, said).toEqual([])
    const there = bySeq(await readAll(store))
    const missing = [...expected]
      .filter(([seq, json]) => there.get(seq) !== json)
      .map(([seq]) => seq)
    expect(missing, said).toEqual([])
    expect((await store.begin()).nextSeq, said).toBeGreaterThan(12)
    await store.append(facts(90, 1))
  } finally {
    await store.close()
  }
}

async function prepared(
  change: (vfs: MemVfs) => void = () => undefined,
): Promise<{ base: MemVfs; before: StoredRecord[] }> {
  const base = memVfs()
  const before = await filled(base, 12)
  change(base)
  return { base, before }
}

describe('every call fails once, and for good', () => {
  test('while a store at rest is compacted', async () => {
    const { base, before } = await prepared()
    const late = bySeq(before.filter(({ seq }) => seq > 5))
    const runs = await everyFault(
      () => base.clone(),
      async (vfs: Vfs, sound, context) => {
        const work = async (): Promise<void> => {
          const store = await open(vfs)
          try {
            await store.compact({ plan: () => Promise.resolve(({ seq }) => seq > 5) })
          } finally {
            await store.close()
          }
        }
        await stillThere(sound, await endsWith(work()), context, late)
      },
      { faults: FAULTS },
    )
    expect(runs).toBeGreaterThan(200)
  })

  test('while it is compacted and appended to', async () => {
    const { base, before } = await prepared()
    const runs = await everyFault(
      () => base.clone(),
      async (vfs: Vfs, sound, context) => {
        const acked = bySeq(before.filter(({ seq }) => seq > 5))
        const work = async (): Promise<void> => {
          const store = await open(vfs)
          try {
            await store.begin()
            const running = endsWith(
              store.compact({ plan: () => Promise.resolve(({ seq }) => seq > 5) }),
            )
            for (let n = 13; n <= 19; n += 2) {
              const { firstSeq } = await store.append(facts(n, 2))
              const after = { afterSeq: firstSeq - 1 }
              // What reads fail to give back is not held against the store here.
              await endsWith(readInto(acked, store.read(after)))
            }
            const error = await running
            if (error !== null) throw error as Error
          } finally {
            await store.close()
          }
        }
        await stillThere(sound, await endsWith(work()), context, acked)
      },
      { faults: FAULTS, modes: ['once'] },
    )
    expect(runs).toBeGreaterThan(200)
  })

  test('while it is recovered', async () => {
    const damage = DAMAGES.find(({ name }) => name === 'flipped bit')
    const { base, before } = await prepared((vfs) => damage?.apply(vfs))
    const left = bySeq(before.filter(({ seq }) => seq !== 6))
    const runs = await everyFault(
      () => base.clone(),
      async (vfs: Vfs, sound, context) => {
        const work = async (): Promise<void> => {
          const store = await open(vfs)
          try {
            await store.recover({ mode: 'repair', acceptLoss: true })
          } finally {
            await store.close()
          }
        }
        await stillThere(sound, await endsWith(work()), context, left)
      },
      { faults: FAULTS },
    )
    expect(runs).toBeGreaterThan(200)
  })
})

async function readInto(
  target: Map<number, string>,
  records: AsyncIterable<StoredRecord>,
): Promise<void> {
  for await (const { seq, json } of records) target.set(seq, json)
}

test('a disk that fills up during a compaction: the log stays as it was, the copy is removed', async () => {
  const { base, before } = await prepared()
  const store = await open(base)
  const bytes = base.bytes(LOG)
  // The system does not tell how much is free, so that nothing is refused beforehand.
  Object.assign(base, { freeBytes: () => Promise.resolve(null) })
  base.capacity = usedBytes(base) + 300
  await expect(
    store.compact({ plan: () => Promise.resolve(({ seq }) => seq > 2) }),
  ).rejects.toMatchObject({
    code: 'io_error',
  })
  expect(base.bytes(LOG)).toEqual(bytes)
  expect((await base.readdir('/data')).filter((name) => name.endsWith('.tmp'))).toEqual([])
  expect(await readAll(store)).toEqual(before)
  base.capacity = Number.POSITIVE_INFINITY
  await store.close()
})

function usedBytes(vfs: MemVfs): number {
  return ['', '.mark', '.meta.json', '.lock'].reduce(
    (sum, suffix) => sum + vfs.bytes(`${LOG}${suffix}`).length,
    0,
  )
}
