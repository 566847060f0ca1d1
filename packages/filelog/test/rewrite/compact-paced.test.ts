import { expect, test } from 'vitest'
import { Brake } from '../../src/rewrite/brake.js'
import { memVfs } from '../../src/testing/index.js'
import { facts, filled, open, readAll } from './support.js'

test('a brake waits until it is let go of', async () => {
  const waits: number[] = []
  let now = 0
  const brake = new Brake(1000, {
    clock: { now: () => now, monotonic: () => now },
    wait: async (ms) => {
      waits.push(ms)
      now += ms
    },
  })
  brake.count(2000)
  await brake.turn()
  const before = waits.length
  expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(1800)
  brake.count(1_000_000)
  brake.release()
  await brake.turn()
  expect(waits).toHaveLength(before)
})

test('a throttled compaction can be aborted while it waits, and has changed nothing', async () => {
  const vfs = memVfs()
  const before = await filled(vfs, 12)
  const store = await open(vfs)
  await store.begin()
  const stop = new AbortController()
  const run = store.compact({
    plan: async () => {
      setTimeout(() => {
        stop.abort()
      }, 20)
      return ({ seq }) => seq > 5
    },
    bytesPerSecond: 10,
    signal: stop.signal,
  })
  await expect(run).rejects.toMatchObject({ code: 'aborted' })
  expect(await readAll(store)).toEqual(before)
  await store.append(facts(13, 1))
  await store.close()
})
