import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { decodeBlockMark } from '../../src/format/block-mark.js'
import { sealLine } from '../../src/format/frame.js'
import { scanLog } from '../../src/scan/scan-log.js'
import { declareLoaded } from '../mutants/mutant-loaded.js'
import { buildLog, LOG, putStore, type BuiltLog } from './build-log.js'

declareLoaded()

/** A last block that is not full, so that a scan goes through its lines. */
const log = buildLog({
  last: 23,
  blockBytes: 1000,
  endWithMark: true,
  figures: true,
  kind: (seq) => (seq % 3 === 0 ? 'audit' : 'event'),
})

/** The log with its last mark changed, the mark's own checksum right. */
function withLastMark(change: (text: string) => string): Buffer {
  const mark = log.lines.at(-1)
  if (mark?.what !== 'mark') throw new Error('the log does not end with a mark')
  const text = log.bytes.toString('utf8', mark.offset, mark.end - 19)
  const line = Buffer.from(sealLine(change(text), log.seed))
  return Buffer.concat([log.bytes.subarray(0, mark.offset), line])
}

async function codesOf(bytes: Buffer, of: BuiltLog = log): Promise<string[]> {
  const vfs = await putStore(of)
  vfs.put(LOG, bytes)
  const { anomalies } = await scanLog(vfs, LOG)
  return anomalies.map(({ code }) => code)
}

const figure = /"kinds":\[\["(\w+)",(\d+),(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)\]/

describe('the figures of a block whose lines are looked at', () => {
  it('are there, and right', async () => {
    expect(withLastMark((text) => text).equals(log.bytes)).toBe(true)
    expect(log.bytes.toString()).toMatch(figure)
    expect(await codesOf(log.bytes)).toEqual([])
  })

  it.each([
    ['another kind', '"kinds":[["exent",$2,$3,$4,$5,$6,$7,$8]'],
    ['an earlier time', '"kinds":[["$1",$2,$3,$4,$5,1000000000000,$7,$8]'],
    ['a later time', '"kinds":[["$1",$2,$3,$4,$5,$6,1900000000000,$8]'],
    ['a record without a time', '"kinds":[["$1",$2,$3,$4,$5,$6,$7,1]'],
  ])('are damage if they tell of %s', async (_, row) => {
    const bytes = withLastMark((text) => text.replace(figure, row))
    const at = log.lines.at(-1)?.offset ?? 0
    expect(decodeBlockMark(bytes, at, bytes.length - 1)).not.toBeNull()
    expect(await codesOf(bytes)).toEqual(['block_mark_damaged'])
  })

  it('need not be there: marks used to be without', async () => {
    const old = buildLog({ last: 23, blockBytes: 1000, endWithMark: true })
    expect(old.bytes.includes('"kinds"')).toBe(false)
    expect(await codesOf(old.bytes, old)).toEqual([])
  })
})
