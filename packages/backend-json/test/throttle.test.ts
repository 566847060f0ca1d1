import { manualClock, type Backend, type CompactOptions } from '@papyra/contracts'
import { createLogStore } from '@papyra/filelog'
import { memVfs } from '@papyra/filelog/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { jsonBackend } from '../src/index.js'

const LOG = '/data/shop.ndjson'

const opened: Backend[] = []

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
})

/** A log of 40 records in many small blocks, and how it is looked at. */
async function place(how: 'living' | 'at rest' | 'beside'): Promise<Backend> {
  const vfs = memVfs()
  const clock = manualClock(1_750_000_000_000)
  await createLogStore(vfs, LOG, { clock, blockBytes: 400 })
  const owner = await jsonBackend({ path: LOG, vfs, clock }).open({ access: 'write' })
  await owner.begin()
  const members = '"system_id":"shop","actor_address":null,"event_type":"t","payload":{}'
  for (let n = 0; n < 40; n++) {
    clock.advance(1000)
    await owner.append([{ kind: 'event', timestamp: clock.now(), members }])
  }
  if (how !== 'at rest') opened.push(owner)
  else await owner.close()
  if (how === 'living') return owner
  const access = how === 'beside' ? 'read' : 'write'
  const from = how === 'beside' ? vfs.fork() : vfs
  const store = await jsonBackend({ path: LOG, vfs: from, clock }).open({ access })
  opened.push(store)
  return store
}

/** At the rate that is asked for what is read would take hours. */
async function stopped(store: Backend, options: CompactOptions): Promise<void> {
  const stop = new AbortController()
  const run = store.compact({ ...options, bytesPerSecond: 0.1, signal: stop.signal })
  setTimeout(() => {
    stop.abort()
  }, 30)
  await expect(run).rejects.toMatchObject({ code: 'aborted' })
}

const policy = { maxRecords: 12 }

describe('a throttle holds for what a plan has to read', () => {
  it.each(['living', 'at rest', 'beside'] as const)('%s: on a dry run', async (how) => {
    const store = await place(how)
    await stopped(store, { policy, dryRun: true })
    expect(await store.compact({ policy, dryRun: true })).toMatchObject({ records: { after: 12 } })
  })

  it('for a plan of nothing, too, which reads everything and measures nothing', async () => {
    const store = await place('living')
    await stopped(store, { policy: { maxRecords: 99 } })
    await stopped(store, { policy: { maxRecords: 99 }, dryRun: true })
  })

  it('at rest for the scan before it, too', async () => {
    const store = await place('at rest')
    await stopped(store, { policy })
    expect((await store.describe()).history.map(({ what }) => what)).toEqual(['created'])
    expect(await store.scan()).toMatchObject({ clean: true, records: 40 })
  })
})
