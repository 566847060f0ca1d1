import { manualClock } from '@papyra/contracts'
import { describe, expect, it } from 'vitest'
import { openSegmentStore } from '../../src/segments/open.js'
import { scanSegments } from '../../src/segments/scan-segments.js'
import {
  buildStore,
  DIR,
  lostNumbers,
  putStore,
  range,
  short,
  type BuiltStore,
} from './build-store.js'
import { strictly } from './support.js'

const store = buildStore()

/** The store with the line of one record cut out of its segment and put behind that of another. */
function moved(seq: number, behind: number): BuiltStore {
  const line = Buffer.from(`${store.json.get(seq) ?? ''}\n`)
  const segments = store.segments.map((segment) => {
    const { ends } = segment
    let { bytes } = segment
    const end = ends.get(seq)
    if (end !== undefined) {
      bytes = Buffer.concat([bytes.subarray(0, end - line.length), bytes.subarray(end)])
    }
    const at = ends.get(behind)
    if (at !== undefined) bytes = Buffer.concat([bytes.subarray(0, at), line, bytes.subarray(at)])
    return { ...segment, bytes }
  })
  return { ...store, segments }
}

describe('a sound line that was moved into another segment', () => {
  it.each([
    ['into a later one', 15, 25],
    ['into an earlier one', 25, 15],
    ['the last one, to the end of the next', 20, 30],
    ['the first one, to the end of the one before', 21, 20],
    ['the last one, to the beginning of the next', 10, 11],
    ['into the active one', 15, 33],
    ['out of the active one', 33, 15],
    ['the newest one of all', 35, 20],
    ['the oldest one of all, to the very end', 1, 35],
  ])('%s: is told of in both, and never lost without a word', async (_, seq, behind) => {
    const vfs = await putStore(moved(seq, behind))
    const scan = await scanSegments(vfs, DIR)
    expect(lostNumbers(scan)).toEqual({ named: [seq], unnamed: 0 })
    const told = short(scan)
    expect(told.filter((text) => text.endsWith(` ${seq} n1 lost`))).toHaveLength(1)
    expect(told.filter((text) => text.endsWith(` ${seq} n1`))).toHaveLength(1)
    expect(scan.records).toBe(34)
    const clock = manualClock()
    const open = { backend: 'rotation', access: 'write', clock, waitLockMs: 0 } as const
    const owner = await openSegmentStore(vfs, DIR, open)
    const refused = owner.recover({ mode: 'repair' })
    await expect(refused).rejects.toMatchObject({ code: 'accept_loss_required' })
    const report = await owner.recover({ mode: 'repair', acceptLoss: true })
    expect(report).toMatchObject({ recordsKept: 34, after: { clean: true } })
    expect(report.losses.map((loss) => loss.seq)).toEqual([{ first: seq, last: seq }])
    await owner.close()
    const aside = report.keptAside.map((path) => vfs.bytes(path).toString()).join('')
    expect(aside).toContain(`${store.json.get(seq) ?? 'no such record'}\n`)
    const { records } = await strictly(vfs, DIR)
    expect([...records.keys()]).toEqual(range(1, 35).filter((n) => n !== seq))
    for (const [n, json] of records) expect(json).toBe(store.json.get(n))
  })
})
