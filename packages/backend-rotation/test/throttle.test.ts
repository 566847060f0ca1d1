import {
  manualClock,
  type Backend,
  type CompactOptions,
  type RetentionPolicy,
} from '@papyra/contracts'
import { memVfs } from '@papyra/filelog/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { rotationBackend } from '../src/index.js'
import { DIR, filled } from './compaction-kit.js'
import { countingReads } from './counting-reads.js'

const opened: Backend[] = []

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
})

/** A store of 43 records, and how it is looked at. */
async function place(how: 'living' | 'at rest' | 'beside'): Promise<{
  store: Backend
  bytes: () => number
}> {
  const vfs = memVfs()
  const clock = manualClock(1_750_000_000_000)
  const owner = await filled({ vfs, clock }, 43)
  if (how === 'beside') opened.push(owner)
  else await owner.close()
  const counted = countingReads(how === 'beside' ? vfs.fork() : vfs)
  const { vfs: through, bytes } = counted
  const definition = rotationBackend({ dir: DIR, vfs: through, clock, segment: { maxRecords: 5 } })
  const store = await definition.open({ access: how === 'beside' ? 'read' : 'write' })
  opened.push(store)
  if (how === 'living') await store.begin()
  return { store, bytes }
}

/** How many bytes are read until a compaction ends, or is stopped after a while. */
async function readBy(
  how: Parameters<typeof place>[0],
  options: CompactOptions,
  stops: boolean,
): Promise<number> {
  const { store, bytes } = await place(how)
  const before = bytes()
  const stop = new AbortController()
  const run = store.compact({ ...options, ...(stops && { signal: stop.signal }) })
  if (!stops) await run
  else {
    setTimeout(() => {
      stop.abort()
    }, 30)
    await expect(run).rejects.toMatchObject({ code: 'aborted' })
  }
  return bytes() - before
}

/** Cuts through a segment. */
const policy: RetentionPolicy = { maxRecords: 12 }
/** At this rate all that is read would take hours. */
const bytesPerSecond = 0.1

describe('a throttle holds for what a plan has to read', () => {
  it.each(['living', 'at rest', 'beside'] as const)('%s: on a dry run', async (how) => {
    const dry = { policy, dryRun: true }
    const all = await readBy(how, dry, false)
    const some = await readBy(how, { ...dry, bytesPerSecond }, true)
    expect(some).toBeLessThan(all)
  })

  it.each(['living', 'at rest'] as const)('%s: before anything is changed', async (how) => {
    const all = await readBy(how, { policy }, false)
    expect(await readBy(how, { policy, bytesPerSecond }, true)).toBeLessThan(all)
    const { history } = await (opened.at(-1) as Backend).describe()
    expect(history.map(({ what }) => what)).toEqual(['created'])
  })
})

it('a rate that is none is refused, also on a dry run', async () => {
  const { store } = await place('living')
  for (const dryRun of [true, false]) {
    const none = store.compact({ policy, dryRun, bytesPerSecond: 0 })
    await expect(none).rejects.toMatchObject({ code: 'invalid_argument' })
  }
})
