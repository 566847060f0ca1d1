import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { scanLog } from '../../src/scan/scan-log.js'
import { buildLog, keptRecords, lineOf, lostNumbers, LOG, putStore, scanDamaged, short, type BuiltLog } from './build-log.js'

const plainLog = buildLog({ last: 20, endWithMark: false })

describe('a sound log', () => {
  it('is clean, with all its records and the open block', async () => {
    const scan = await scanLog(await putStore(plainLog), LOG)
    expect(short(scan)).toEqual([])
    expect(scan).toMatchObject({ state: 'checksummed', coverage: 'full', records: 20, lastSeq: 20, knownEnd: 20, bytesSound: true, losses: [] })
    expect(scan.notices).toEqual([])
    expect(scan.soundEnd).toBe(plainLog.bytes.length)
    expect(keptRecords(plainLog.bytes, scan).size).toBe(20)
  })
})
