import { manualClock, type ManualClock } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import { decodeSidecar } from '../../src/format/sidecar.js'
import { createLogStore } from '../../src/index.js'
import { memVfs, type MemVfs } from '../../src/testing/index.js'
import { DAMAGES } from './damage.js'
import { fact, facts, LOG, open } from './support.js'

const META = `${LOG}.meta.json`
const HOUR = 3_600_000

/** A store of nine records in small blocks, closed, and the clock that goes on. */
async function closedStore(): Promise<{ vfs: MemVfs; clock: ManualClock; made: number }> {
  const vfs = memVfs()
  const clock = manualClock()
  const made = clock.now()
  await createLogStore(vfs, LOG, { clock, blockBytes: 600 })
  const store = await open(vfs, { clock })
  await store.begin()
  await store.append(facts(1, 9))
  clock.advance(HOUR)
  await store.close()
  return { vfs, clock, made }
}

/** When the sidecar on the disk says that the log was verified. */
function kept(vfs: MemVfs): number | null | undefined {
  const decoded = decodeSidecar(vfs.bytes(META), 1)
  return decoded.state === 'ok' ? decoded.sidecar.verifiedAt : undefined
}

async function auto(vfs: MemVfs, clock: ManualClock): Promise<string> {
  const reader = await open(vfs, { clock, access: 'read' })
  const { coverage, unread } = await reader.scan({ coverage: 'auto' })
  await reader.close()
  return `${coverage} ${unread?.verifiedAt ?? '-'}`
}

describe('when every byte was last verified', () => {
  test('a new store is; an owner that looks only quickly adds nothing to that', async () => {
    const { vfs, clock, made } = await closedStore()
    expect(kept(vfs)).toBe(made)
    expect(await auto(vfs, clock)).toBe(`quick ${made}`)
    clock.advance(22 * HOUR)
    expect(await auto(vfs, clock)).toBe(`quick ${made}`)
    clock.advance(HOUR)
    expect(await auto(vfs, clock)).toBe('full -')
  })

  test('begin writes down what the owner saw before it, and a mere look changes no byte', async () => {
    const { vfs, clock, made } = await closedStore()
    const before = vfs.bytes(META)
    const looker = await open(vfs, { clock })
    await looker.scan()
    await looker.close()
    expect(vfs.bytes(META)).toEqual(before)
    const store = await open(vfs, { clock })
    await store.scan()
    clock.advance(5)
    await store.begin()
    expect(kept(vfs)).toBe(made + HOUR)
    expect((await store.describe()).verifiedAt).toBe(made + HOUR)
    await store.close()
    expect(kept(vfs)).toBe(made + HOUR)
  })

  test('a later scan by the owner counts at once, one by a reader or of a part never', async () => {
    const { vfs, clock, made } = await closedStore()
    const store = await open(vfs, { clock })
    await store.begin()
    await store.append([fact(10)])
    const reader = await open(vfs, { clock, access: 'read' })
    await reader.scan()
    await store.scan({ coverage: 'full', signal: AbortSignal.abort() }).catch(() => undefined)
    expect(kept(vfs)).toBe(made)
    clock.advance(HOUR)
    await store.scan()
    expect((await reader.describe()).verifiedAt).toBe(made + 2 * HOUR)
    // What else the sidecar holds stays as it was.
    expect(await store.append([fact(11)])).toEqual({ firstSeq: 11, lastSeq: 11 })
    await store.close()
    expect(await auto(vfs, clock)).toBe(`quick ${made + 2 * HOUR}`)
  })

  test('where the sidecar cannot be written the scan succeeds, and the close has it', async () => {
    const { vfs, clock, made } = await closedStore()
    const store = await open(vfs, { clock })
    await store.begin()
    vfs.onOp = ({ path }) => {
      if (path.startsWith(META)) throw new Error('no space')
    }
    expect((await store.scan()).clean).toBe(true)
    vfs.onOp = undefined
    expect(kept(vfs)).toBe(made)
    await store.close()
    expect(kept(vfs)).toBe(made + HOUR)
  })

  test('damage that a scan finds ends it, so that no later start looks only quickly', async () => {
    const { vfs, clock } = await closedStore()
    DAMAGES.find(({ name }) => name === 'flipped bit')?.apply(vfs)
    const store = await open(vfs, { clock })
    expect((await store.scan()).clean).toBe(false)
    await store.begin({ onDamage: 'set_tail_aside' })
    await store.close()
    expect(kept(vfs)).toBeNull()
    expect(await auto(vfs, clock)).toBe('full -')
  })

  test('a recovery that ended with a clean scan', async () => {
    for (const name of ['flipped bit', 'torn tail', 'sidecar damaged']) {
      const { vfs, clock, made } = await closedStore()
      const damage = DAMAGES.find((one) => one.name === name)
      if (damage === undefined) throw new Error(name)
      damage.apply(vfs)
      clock.advance(HOUR)
      const store = await open(vfs, { clock })
      await store.recover({ mode: 'repair', acceptLoss: true, force: true })
      await store.close()
      expect([name, kept(vfs)]).toEqual([name, made + 2 * HOUR])
      expect(await auto(vfs, clock)).toBe(`quick ${made + 2 * HOUR}`)
    }
  })

  test('a compaction, whose result is scanned; where that was stopped, it was not verified', async () => {
    for (const begun of [false, true]) {
      const { vfs, clock, made } = await closedStore()
      clock.advance(HOUR)
      const store = await open(vfs, { clock })
      if (begun) await store.begin()
      const plan = (): Promise<(record: { seq: number }) => boolean> =>
        Promise.resolve(({ seq }) => seq > 3)
      expect((await store.compact({ plan }))?.verified).toBe(true)
      expect(kept(vfs)).toBe(made + 2 * HOUR)
      const stop = new AbortController()
      const stopped = store.compact({
        plan: () => Promise.resolve(({ seq }) => seq > 5),
        signal: stop.signal,
        onProgress: () => undefined,
      })
      vfs.onOp = ({ name, path }) => {
        // The new log is in place: from here on only the scan is left.
        if (name === 'rename' && path === LOG) stop.abort()
      }
      await expect(stopped).rejects.toMatchObject({ code: 'aborted' })
      vfs.onOp = undefined
      expect(kept(vfs)).toBeNull()
      await store.close()
      expect(await auto(vfs, clock)).toBe('full -')
    }
  })
})

test('a reset before begin is not undone by begin', async () => {
  const { vfs, clock } = await closedStore()
  const store = await open(vfs, { clock })
  await store.scan()
  const { resetAt } = await store.resetMetrics()
  await store.begin()
  expect((await store.describe()).metrics.resetAt).toBe(resetAt)
  await store.close()
})
