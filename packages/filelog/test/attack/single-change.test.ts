import { describe, expect, test } from 'vitest'
import { memVfs, Random, type MemVfs } from '../../src/testing/index.js'
import { bySeq, create, facts, filled, LOG, open, readAll } from '../rewrite/support.js'
import { CHANGES, changed } from './changes.js'
import { complaints, type Truth } from './oracle.js'

const CASES = 12

async function add(vfs: MemVfs, from: number, count: number): Promise<void> {
  const store = await open(vfs)
  await store.begin()
  for (let n = 0; n < count; n++) await store.append(facts(from + n, 1, (n * 37) % 150))
  await store.close()
}

async function compact(vfs: MemVfs): Promise<void> {
  const store = await open(vfs)
  await store.compact({ plan: () => Promise.resolve(({ seq }) => seq > 3 && seq % 3 !== 0) })
  await store.close()
}

/** Logs of several blocks, closed cleanly. */
const LOGS: Readonly<Record<string, (vfs: MemVfs) => Promise<unknown>>> = {
  'never compacted': (vfs) => filled(vfs, 24),
  compacted: async (vfs) => {
    await filled(vfs, 30)
    await compact(vfs)
  },
  'compacted and appended to': async (vfs) => {
    await filled(vfs, 24)
    await compact(vfs)
    await add(vfs, 25, 14)
  },
  'one record': async (vfs) => {
    await create(vfs)
    await add(vfs, 1, 1)
  },
}

async function truthOf(vfs: MemVfs): Promise<Truth> {
  const store = await open(vfs)
  const records = bySeq(await readAll(store))
  const { lastSeq } = await store.scan()
  await store.close()
  return { records, acked: lastSeq ?? 0 }
}

describe.each(Object.entries(LOGS))('a log %s, closed', (_, make) => {
  test.each(Object.keys(CHANGES))('survives: %s', async (name) => {
    const start = memVfs()
    await make(start)
    const truth = await truthOf(start)
    const whole = start.bytes(LOG)
    const failures: string[] = []
    for (let seed = 1; seed <= CASES; seed++) {
      const damaged = changed(whole, name, new Random(seed))
      if (damaged.equals(whole)) continue
      const vfs = start.clone()
      vfs.put(LOG, damaged)
      const found = await complaints(vfs, damaged, truth)
      if (found.length > 0) failures.push(`seed ${seed}: ${found.join('; ')}`)
    }
    expect(failures).toEqual([])
  })
})

test('the oracle notices a record that is gone, one that is new, and a loss that is not told', async () => {
  const start = memVfs()
  await filled(start, 12)
  const truth = await truthOf(start)
  const damaged = changed(start.bytes(LOG), 'a byte order mark', new Random(1))
  start.put(LOG, damaged)
  const more = new Map([...truth.records, [13, 'not there']])
  const fewer = new Map([...truth.records].filter(([seq]) => seq !== 5))
  expect(await complaints(start.clone(), damaged, truth)).toEqual([])
  expect(await complaints(start.clone(), damaged, { ...truth, records: more })).toEqual([
    'the loss of 13 is not reported',
    '0 unnamed losses reported, 1 there are',
  ])
  expect(await complaints(start.clone(), damaged, { ...truth, records: fewer })).toEqual([
    '5 was never there',
  ])
  expect(await complaints(start.clone(), damaged, { ...truth, acked: 13 })).toEqual([
    '13 is given again',
  ])
})

test('a log that is empty goes on after every kind of scan, and its first blocks are sound', async () => {
  for (const coverage of ['auto', 'full'] as const) {
    const vfs = memVfs()
    await create(vfs)
    const store = await open(vfs)
    await store.scan({ coverage })
    await store.begin()
    for (let n = 1; n <= 12; n++) await store.append(facts(n, 1, 100))
    expect((await store.scan()).anomalies).toEqual([])
    await store.close()
  }
})
