import { manualClock, type AppendFact } from '@papyra/contracts'
import { createLogStore, type Vfs } from '@papyra/filelog'
import { memVfs } from '@papyra/filelog/testing'
import { expect, it } from 'vitest'
import { jsonBackend } from '../src/index.js'

const PATH = '/data/shop.ndjson'
const BLOCK_BYTES = 64 * 1024
const members = `"system_id":"shop","actor_address":null,"event_type":"t","payload":"${'x'.repeat(200)}"`

/** A file system that counts the bytes that are read of the log. */
function countingReads(vfs: Vfs): { readonly vfs: Vfs; readonly take: () => number } {
  let bytes = 0
  const open: Vfs['open'] = async (path, flag, mode) => {
    const file = await vfs.open(path, flag, mode)
    if (path !== PATH) return file
    const read: typeof file.read = async (...place) => {
      const n = await file.read(...place)
      bytes += n
      return n
    }
    return new Proxy(file, {
      get: (target, name) => {
        if (name === 'read') return read
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }
  const take = (): number => {
    const counted = bytes
    bytes = 0
    return counted
  }
  return {
    vfs: new Proxy(vfs, {
      get: (target, name) => {
        const value: unknown = name === 'open' ? open : Reflect.get(target, name, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    }),
    take,
  }
}

it('plans by the marks of blocks, and reads only what stands behind the last and what is cut', async () => {
  const [mem, clock] = [memVfs(), manualClock()]
  await mem.mkdir('/data')
  await createLogStore(mem, PATH, { clock, blockBytes: BLOCK_BYTES })
  const { vfs, take } = countingReads(mem)
  const store = await jsonBackend({ path: PATH, vfs, clock }).open({
    access: 'write',
    waitLockMs: 0,
  })
  await store.begin()
  const facts = (count: number): AppendFact[] =>
    Array.from({ length: count }, () => ({ kind: 'event', timestamp: clock.now(), members }))
  for (let n = 0; n < 80; n++) await store.append(facts(100))
  const { bytes } = await store.describe()
  const blocks = Math.floor(bytes / BLOCK_BYTES)
  expect(blocks).toBeGreaterThan(30)
  const policy = { maxRecords: 4000 }
  take()
  const dry = await store.compact({ policy, dryRun: true })
  // For a plan and a measure: the open block, the one that is cut, and a kilobyte for each mark.
  expect(take()).toBeLessThan(2 * (2 * 1.3 * BLOCK_BYTES + (blocks + 10) * 1024))
  const done = await store.compact({ policy })
  expect([done.bytes, done.dropped]).toEqual([dry.bytes, dry.dropped])
  // The plan once more, each block once, and the new log for its check.
  const read = bytes + done.bytes.after + 8 * BLOCK_BYTES + 2 * (blocks + 10) * 1024
  expect(take()).toBeLessThan(read)
  expect((await store.scan()).anomalies).toEqual([])
  await store.close()
})
