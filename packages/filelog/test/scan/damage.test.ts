import { Buffer } from 'node:buffer'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { encodeSlot } from '../../src/format/ack-mark.js'
import { sealLine } from '../../src/format/frame.js'
import { encodeHead } from '../../src/format/head.js'
import { markPath, sidecarPath } from '../../src/format/names.js'
import { toScanReport } from '../../src/scan/report.js'
import { scanLog } from '../../src/scan/scan-log.js'
import { encodeSidecar } from '../../src/format/sidecar.js'
import { memVfs } from '../../src/testing/index.js'
import {
  ackMarkOf,
  buildLog,
  keptRecords,
  lineOf,
  LOG,
  putStore,
  recordLine,
  scanDamaged,
  short,
  sidecarOf,
  textOf,
} from './build-log.js'

const log = buildLog({ last: 20, blockBytes: 512 })
const size = log.bytes.length
const other = buildLog({ last: 20, blockBytes: 512, logId: 'log-b' })

/** The log with other bytes in place of a range. */
function put(from: number, to: number, bytes: Buffer | string): Buffer {
  return Buffer.concat([
    log.bytes.subarray(0, from),
    Buffer.from(bytes as string),
    log.bytes.subarray(to),
  ])
}
const at = (seq: number): number => lineOf(log, 'record', seq).offset
const end = (seq: number): number => lineOf(log, 'record', seq).end

describe('a sound log', () => {
  it('is clean, with all its records and the open block', async () => {
    const scan = await scanLog(await putStore(log), LOG)
    expect(short(scan)).toEqual([])
    expect(scan).toMatchObject({
      state: 'checksummed',
      coverage: 'full',
      records: 20,
      firstSeq: 1,
      lastSeq: 20,
      knownEnd: 20,
      soundEnd: size,
      bytesSound: true,
      unproven: null,
      notices: [],
      losses: [],
      setAside: [],
      lines: { total: 26, bad: 0 },
    })
    expect(keptRecords(log.bytes, scan).size).toBe(20)
    expect(toScanReport(scan, { backend: 'json', durationMs: 1 })).toMatchObject({
      clean: true,
      logId: 'log-a',
      generation: 1,
      bytes: size,
      consent: { acceptLoss: false, force: false },
    })
  })

  it('gives the open block as its writer left it', async () => {
    const open = buildLog({ last: 6, blockBytes: 512 })
    const scan = await scanLog(await putStore(open), LOG)
    const mark = lineOf(open, 'mark', 4)
    expect(scan.openBlock).toMatchObject({
      offset: mark.end,
      bytes: open.bytes.length - mark.end,
      records: 2,
      after: 4,
      firstSeq: 5,
      total: 6,
    })
  })

  it('may be new and empty', async () => {
    const empty = buildLog({ last: 0 })
    const scan = await scanLog(await putStore(empty, { closed: false }), LOG)
    expect(short(scan)).toEqual([])
    expect(scan).toMatchObject({
      records: 0,
      firstSeq: null,
      lastSeq: 0,
      openBlock: { records: 0, firstSeq: 0, total: 0 },
    })
  })
})

describe('lines', () => {
  it('a flipped bit in a number: corrupt_record, its seq lost, the rest kept', async () => {
    const bytes = Buffer.from(log.bytes)
    const place = at(7) + textOf(log, lineOf(log, 'record', 7)).indexOf('"n":7') + 4
    bytes[place] = 0x33
    const scan = await scanDamaged(log, bytes)
    expect(short(scan)).toEqual([`corrupt_record @${at(7)}+${end(7) - at(7)} seq 7 n1 lost`])
    expect(scan.losses).toEqual([
      { seq: { first: 7, last: 7 }, records: 1, code: 'corrupt_record' },
    ])
    expect(scan.setAside).toEqual([{ offset: at(7), end: end(7), code: 'corrupt_record' }])
    expect(keptRecords(bytes, scan).size).toBe(19)
    expect(scan).toMatchObject({
      bytesSound: false,
      cutMends: false,
      openBlock: null,
      lines: { bad: 1 },
    })
  })

  it('a fragment glued before a record: glued_line, the record kept, the fragment aside', async () => {
    const fragment = textOf(log, lineOf(log, 'record', 9)).slice(0, 40)
    const bytes = put(at(9), at(9), fragment)
    const scan = await scanDamaged(log, bytes)
    expect(short(scan)).toEqual([`glued_line @${at(9)}+${end(9) - at(9) + 40} seq - n0`])
    expect(scan.setAside).toEqual([{ offset: at(9), end: at(9) + 40, code: 'glued_line' }])
    expect(keptRecords(bytes, scan).size).toBe(20)
  })

  it('two records on one line: glued_line, both kept, nothing aside', async () => {
    const bytes = put(end(9) - 1, end(9), '')
    const scan = await scanDamaged(log, bytes)
    expect(short(scan)).toEqual([`glued_line @${at(9)}+${end(10) - at(9) - 1} seq - n0`])
    expect(scan.setAside).toEqual([])
    expect(keptRecords(bytes, scan).size).toBe(20)
  })

  it('NULs and then a record on one line: glued_line, the record kept', async () => {
    const bytes = put(at(9), at(9), Buffer.alloc(100_000))
    const scan = await scanDamaged(log, bytes)
    expect(scan.anomalyCounts).toEqual({ glued_line: 1 })
    expect(keptRecords(bytes, scan).size).toBe(20)
  })

  it('a record that holds a whole record as its payload is one record', async () => {
    const inner = textOf(log, lineOf(log, 'record', 3)).trimEnd()
    const outer = sealLine(
      `{"seq":21,"kind":"event","timestamp":1,"system_id":"shop","actor_address":null,"event_type":"t","payload":${inner}`,
      log.seed,
    )
    const bytes = Buffer.concat([log.bytes, Buffer.from(outer)])
    expect(short(await scanDamaged(log, bytes))).toEqual([])
    const glued = Buffer.concat([log.bytes, Buffer.from(`x${outer}`)])
    const scan = await scanDamaged(log, glued)
    expect(scan.anomalyCounts).toEqual({ glued_line: 1 })
    expect(keptRecords(glued, scan).get(21)).toBe(outer.trimEnd())
    const torn = Buffer.concat([log.bytes, Buffer.from(`${outer.slice(0, -30)}x\n`)])
    expect((await scanDamaged(log, torn)).records).toBe(20)
  })

  it('zeroed bytes over several lines: one corrupt_record with all their numbers', async () => {
    const bytes = Buffer.from(log.bytes)
    bytes.fill(0, at(5) + 10, at(8) + 10)
    const scan = await scanDamaged(log, bytes)
    expect(short(scan)).toEqual([`corrupt_record @${at(5)}+${end(8) - at(5)} seq 5..8 n4 lost`])
  })

  it('a line that is no JSON object: corrupt_record, nothing lost', async () => {
    for (const text of ['[1,2]\n', '17\n', 'null\n', '"text"\n', 'no json\n', '{}\n']) {
      const scan = await scanDamaged(log, put(at(6), at(6), text))
      expect(short(scan), text).toEqual([`corrupt_record @${at(6)}+${text.length} seq - n0`])
      expect(scan.losses).toEqual([])
      expect(scan.records).toBe(20)
    }
  })

  it('a sound line with a field missing: invalid_record, its number lost, kept aside', async () => {
    const line = sealLine(
      '{"seq":6,"kind":"event","payload":{"a":[1,2,3]},"and":"more than enough text"',
      log.seed,
    )
    const scan = await scanDamaged(log, put(at(6), end(6), line))
    expect(short(scan)).toEqual([`invalid_record @${at(6)}+${line.length} seq 6 n1 lost`])
    expect(scan.setAside).toEqual([
      { offset: at(6), end: at(6) + line.length, code: 'invalid_record' },
    ])
  })

  it('several invalid records in a row: each with its own number', async () => {
    const bad = (seq: number): string =>
      sealLine(
        `{"seq":${seq},"kind":"event","timestamp":"soon","payload":"text text text text"`,
        log.seed,
      )
    const scan = await scanDamaged(log, put(at(6), end(7), bad(6) + bad(7)))
    expect(scan.anomalies.map(({ code, seq }) => [code, seq?.first, seq?.last])).toEqual([
      ['invalid_record', 6, 6],
      ['invalid_record', 7, 7],
    ])
  })

  it('invalid UTF-8 with the right checksum: invalid_record, line by line and in a block', async () => {
    const { crc32 } = await import('node:zlib')
    const open = Buffer.concat([
      Buffer.from('{"seq":6,"kind":"event","timestamp":1710000000,"system_id":"shop","text":"'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from('"'),
    ])
    const crc = crc32(open, log.seed).toString(16).padStart(8, '0')
    const line = Buffer.concat([open, Buffer.from(`,"crc":"${crc}"}\n`)])
    const scan = await scanDamaged(log, put(at(6), end(6), line))
    expect(short(scan)).toEqual([`invalid_record @${at(6)}+${line.length} seq 6 n1 lost`])
  })

  it('a kind that is not known: kept, a notice, no anomaly', async () => {
    const made = buildLog({
      last: 20,
      blockBytes: 100_000,
      kind: (seq) => (seq % 5 === 0 ? 'invoice' : 'event'),
    })
    const scan = await scanLog(await putStore(made), LOG)
    expect(short(scan)).toEqual([])
    expect(scan.records).toBe(20)
    expect(scan.notices).toMatchObject([
      { code: 'unknown_kind', count: 4, seq: { first: 5, last: 5 } },
    ])
  })

  it('a second head: invalid_record, set aside', async () => {
    const scan = await scanDamaged(log, put(at(6), at(6), encodeHead(log.head)))
    expect(scan.anomalyCounts).toEqual({ invalid_record: 1 })
    expect(scan.records).toBe(20)
    expect(scan.losses).toEqual([])
  })
})

describe('lines of another log', () => {
  const theirs = textOf(other, lineOf(other, 'record', 12))

  it('one: foreign_record, set aside, nothing lost', async () => {
    const scan = await scanDamaged(log, put(at(6), at(6), theirs))
    expect(short(scan)).toEqual([`foreign_record @${at(6)}+${theirs.length} seq - n0`])
    expect(scan.setAside).toEqual([
      { offset: at(6), end: at(6) + theirs.length, code: 'foreign_record' },
    ])
    expect(scan.records).toBe(20)
    expect(scan.foreign).toBe(false)
  })

  it('several: recognised by the seed that they share, their head and marks too', async () => {
    const some = other.bytes.subarray(0, lineOf(other, 'mark', 4).end)
    const scan = await scanDamaged(log, put(at(6), at(6), some))
    expect(short(scan)).toEqual([`foreign_record @${at(6)}+${some.length} seq - n0`])
  })

  it('in place of ours: the numbers are lost', async () => {
    const two =
      textOf(other, lineOf(other, 'record', 6)) + textOf(other, lineOf(other, 'record', 7))
    const scan = await scanDamaged(log, put(at(6), end(7), two))
    expect(short(scan)).toEqual([`foreign_record @${at(6)}+${two.length} seq 6..7 n2 lost`])
  })

  it('one that has the number of the damaged line is told from it by the seed met before', async () => {
    const bytes = put(at(6), at(6), theirs + textOf(other, lineOf(other, 'record', 13)))
    const later = textOf(other, lineOf(other, 'record', 10))
    const where = bytes.indexOf('{"seq":10,')
    const two = Buffer.concat([bytes.subarray(0, where), Buffer.from(later), bytes.subarray(where)])
    const scan = await scanDamaged(log, two)
    expect(scan.anomalyCounts).toEqual({ foreign_record: 2 })
  })

  it('a damaged line of ours is not foreign', async () => {
    const line = textOf(log, lineOf(log, 'record', 6)).replace('placed', 'plaXed')
    const scan = await scanDamaged(log, put(at(6), end(6), line))
    expect(short(scan)).toEqual([`corrupt_record @${at(6)}+${line.length} seq 6 n1 lost`])
  })
})

describe('stray bytes', () => {
  it('a BOM before the head', async () => {
    const bytes = put(0, 0, '\uFEFF')
    const scan = await scanDamaged(log, bytes)
    expect(scan.anomalyCounts).toEqual({ stray_bytes: 1 })
    expect(scan.anomalies[0]?.offset).toBe(0)
    expect(scan.setAside).toEqual([{ offset: 0, end: 3, code: 'stray_bytes' }])
    expect(scan.records).toBe(20)
    expect(scan.head).toEqual(log.head)
  })

  it('a file converted to CRLF is one find', async () => {
    const bytes = Buffer.from(log.bytes.toString().replaceAll('\n', '\r\n'))
    const scan = await scanDamaged(log, bytes)
    expect(scan.anomalyCounts).toEqual({ stray_bytes: 1 })
    expect(keptRecords(bytes, scan).size).toBe(20)
    expect(scan.losses).toEqual([])
    expect(scan.setAside.reduce((n, { offset, end: to }) => n + to - offset, 0)).toBe(26)
  })

  it('blank lines and blanks around lines', async () => {
    const bytes = put(at(6), at(6), '\n \t\r\n\n')
    const scan = await scanDamaged(log, bytes)
    expect(short(scan)).toEqual([`stray_bytes @${at(6)}+6 seq - n0`])
    expect(keptRecords(bytes, scan).size).toBe(20)
    const around = put(at(6), end(6), `  ${textOf(log, lineOf(log, 'record', 6)).trimEnd()} \t\n`)
    expect((await scanDamaged(log, around)).anomalyCounts).toEqual({ stray_bytes: 1 })
  })

  it('blank lines at the end', async () => {
    const bytes = Buffer.concat([log.bytes, Buffer.from('\n\n')])
    const scan = await scanDamaged(log, bytes)
    expect(short(scan)).toEqual([`stray_bytes @${size}+2 seq - n0`])
    expect(keptRecords(bytes, scan).size).toBe(20)
  })

  it('saved as UTF-16: nothing is taken for a record', async () => {
    const bytes = Buffer.from(`\uFEFF${log.bytes.toString()}`, 'utf16le')
    const scan = await scanDamaged(log, bytes)
    expect(scan.records).toBe(0)
    expect(scan.losses.reduce((n, loss) => n + loss.records, 0)).toBe(20)
    expect(toScanReport(scan, { backend: 'json', durationMs: 0 }).consent).toEqual({
      acceptLoss: true,
      force: true,
    })
  })
})

describe('numbers', () => {
  it('a record of the end put at the beginning is one find', async () => {
    const line = textOf(log, lineOf(log, 'record', 18))
    const bytes = Buffer.concat([
      log.bytes.subarray(0, at(1)),
      Buffer.from(line),
      log.bytes.subarray(at(1), at(18)),
      log.bytes.subarray(end(18)),
    ])
    const scan = await scanDamaged(log, bytes)
    expect(short(scan)).toEqual([`out_of_order @${at(1)}+${line.length} seq 18 n1`])
    expect(keptRecords(bytes, scan).size).toBe(20)
  })

  it('a record of the beginning put at the end is one find', async () => {
    const line = textOf(log, lineOf(log, 'record', 2))
    const bytes = Buffer.concat([
      log.bytes.subarray(0, at(2)),
      log.bytes.subarray(end(2)),
      Buffer.from(line),
    ])
    const scan = await scanDamaged(log, bytes)
    expect(short(scan)).toEqual([`out_of_order @${size - line.length}+${line.length} seq 2 n1`])
    expect(keptRecords(bytes, scan).size).toBe(20)
  })

  it('a copy with other bytes: the first stays, the detail says so', async () => {
    const copy = recordLine(6, log.seed, 'something else')
    const scan = await scanDamaged(log, put(at(9), at(9), copy))
    expect(short(scan)).toEqual([`duplicate_record @${at(9)}+${copy.length} seq 6 n1`])
    expect(scan.anomalies[0]?.detail).toMatch(/1 of them with other bytes/)
    const same = await scanDamaged(log, put(at(9), at(9), textOf(log, lineOf(log, 'record', 6))))
    expect(same.anomalies[0]?.detail).toMatch(/identical/)
  })

  it('the whole log appended to itself: one find, nothing lost', async () => {
    const bytes = Buffer.concat([log.bytes, log.bytes.subarray(at(1))])
    const scan = await scanDamaged(log, bytes)
    expect(short(scan)).toEqual([`duplicate_record @${size}+${size - at(1)} seq 1..20 n20`])
    expect(keptRecords(bytes, scan).size).toBe(20)
  })
})

describe('the end', () => {
  it('a torn line beyond what was acknowledged, at every byte: torn_tail, nothing lost', async () => {
    const line = recordLine(21, log.seed)
    for (let n = 1; n < line.length - 1; n++) {
      const scan = await scanDamaged(
        log,
        Buffer.concat([log.bytes, Buffer.from(line.slice(0, n))]),
        { closed: false },
      )
      expect(short(scan), String(n)).toEqual([`torn_tail @${size}+${n} seq - n0`])
      expect(scan).toMatchObject({
        cutMends: true,
        bytesSound: false,
        soundEnd: size,
        losses: [],
        unproven: null,
      })
      expect(scan.setAside).toEqual([{ offset: size, end: size + n, code: 'torn_tail' }])
      expect(scan.openBlock?.total).toBe(20)
    }
  })

  it('a whole last record that lacks only its end is kept', async () => {
    const bytes = log.bytes.subarray(0, end(20) - 1)
    const scan = await scanDamaged(log, bytes, { closed: false, mark: { offset: end(20) } })
    expect(short(scan)).toEqual([`torn_tail @${at(20)}+${end(20) - at(20) - 1} seq - n0`])
    expect(scan).toMatchObject({
      cutMends: false,
      setAside: [],
      records: 20,
      lastSeq: 20,
      openBlock: null,
    })
    expect(keptRecords(bytes, scan).size).toBe(20)
  })

  it('a whole last record that lacks only its end is kept, acknowledged or not', async () => {
    const line = recordLine(21, log.seed)
    const bytes = Buffer.concat([log.bytes, Buffer.from(line.slice(0, -1))])
    const scan = await scanDamaged(log, bytes, { closed: false })
    expect(short(scan)).toEqual([`torn_tail @${size}+${line.length - 1} seq - n0`])
    expect(scan).toMatchObject({ cutMends: false, setAside: [], records: 21, lastSeq: 21 })
    expect(keptRecords(bytes, scan).size).toBe(21)
  })

  it('NULs', async () => {
    const scan = await scanDamaged(log, Buffer.concat([log.bytes, Buffer.alloc(70_000)]), {
      closed: false,
    })
    expect(short(scan)).toEqual([`torn_tail @${size}+70000 seq - n0`])
    expect(scan.cutMends).toBe(true)
  })

  it('a line that a living owner is writing: a notice', async () => {
    const bytes = Buffer.concat([log.bytes, Buffer.from('{"seq":21,"ki')])
    const scan = await scanDamaged(log, bytes, { closed: false }, { ownerAlive: true })
    expect(short(scan)).toEqual([])
    expect(scan.notices.map(({ code, offset }) => [code, offset])).toEqual([
      ['owner_alive', null],
      ['in_flight_tail', size],
    ])
    expect(scan.soundEnd).toBe(size)
  })

  it('damage before what was acknowledged is no torn tail', async () => {
    const bytes = Buffer.from(log.bytes)
    bytes[at(20) + 30] = 0x58
    const scan = await scanDamaged(log, bytes, { closed: false })
    expect(short(scan)).toEqual(
      [`corrupt_record @${at(20)}+${size - at(20)} seq 20 n1 lost`].map((text) =>
        text.replace(`${size - at(20)}`, `${end(20) - at(20)}`),
      ),
    )
  })

  it('cut at a line boundary: rolled_back, with the numbers', async () => {
    const scan = await scanDamaged(log, log.bytes.subarray(0, at(17)))
    expect(short(scan)).toEqual([`rolled_back @${at(17)}+null seq 17..20 n4 lost`])
    expect(scan.knownEnd).toBe(20)
  })

  it('records beyond the mark are kept', async () => {
    const scan = await scanDamaged(log, log.bytes, {
      closed: false,
      mark: { acked: 15, offset: end(15) },
    })
    expect(short(scan)).toEqual([])
    expect(scan).toMatchObject({ lastSeq: 20, knownEnd: 15 })
  })

  it('after a lost machine the range that is not proven is stated, after a mere kill there is none', async () => {
    const lost = await scanDamaged(log, log.bytes, { closed: false, bootId: 'another boot' })
    expect(lost.unproven).toEqual({ after: 20 })
    expect(lost.notices.map(({ code }) => code)).toEqual(['unproven_tail'])
    expect((await scanDamaged(log, log.bytes, { closed: false })).unproven).toBeNull()
    expect((await scanDamaged(log, log.bytes, { bootId: 'another boot' })).unproven).toBeNull()
  })
})

describe('the head', () => {
  it('missing: head_damaged, identity from the sidecar', async () => {
    const bytes = log.bytes.subarray(at(1))
    const scan = await scanDamaged(log, bytes)
    expect(short(scan)).toEqual(['head_damaged @0+null seq - n0'])
    expect(scan.identity).toMatchObject({ logId: 'log-a', generation: 1, source: 'sidecar' })
    expect(scan.records).toBe(20)
  })

  it('damaged, and no sidecar: identity from the mark', async () => {
    const bytes = Buffer.from(log.bytes)
    bytes[40] = 0x5a
    const vfs = await putStore(log)
    vfs.put(LOG, bytes)
    await vfs.unlink(sidecarPath(LOG))
    const scan = await scanLog(vfs, LOG)
    expect(scan.anomalyCounts).toEqual({ head_damaged: 1, sidecar_missing: 1 })
    expect(scan.identity).toMatchObject({ logId: 'log-a', source: 'mark' })
    expect(scan.records).toBe(20)
  })

  it('gone, with sidecar and mark: the lines agree on their seed, and an id is made that has it', async () => {
    const vfs = memVfs()
    vfs.put(LOG, log.bytes.subarray(at(1)))
    const scan = await scanLog(vfs, LOG)
    expect(scan.anomalyCounts).toEqual({ head_damaged: 1, sidecar_missing: 1, mark_missing: 1 })
    expect(scan.identity).toMatchObject({ seed: log.seed, source: 'lines' })
    expect(scan.identity?.logId).toMatch(/^recovered-[0-7]{12}$/)
    expect(scan.records).toBe(20)
    expect(scan.state).toBe('checksummed')
  })

  it('damaged, alone: its id is still read if the lines agree with it', async () => {
    const vfs = memVfs()
    const bytes = Buffer.from(log.bytes)
    bytes[bytes.indexOf('"created"') + 2] = 0x58
    vfs.put(LOG, bytes)
    const scan = await scanLog(vfs, LOG)
    expect(scan.identity).toMatchObject({ logId: 'log-a', source: 'lines' })
    expect(scan.records).toBe(20)
  })

  it('of a later format: refused, nothing else said', async () => {
    const head = encodeHead({ ...log.head, format: 2 })
    const scan = await scanDamaged(log, put(0, at(1), head))
    expect(short(scan)).toEqual(['newer_format @0+null seq - n0'])
    expect(scan.state).toBe('newer')
  })

  it('of another log, with its own lines: foreign_log', async () => {
    const scan = await scanDamaged(log, other.bytes)
    expect(short(scan)).toEqual(['foreign_log @0+null seq - n0'])
    expect(scan).toMatchObject({ foreign: true, identity: { logId: 'log-b' }, records: 20 })
    expect(toScanReport(scan, { backend: 'json', durationMs: 0 }).consent.force).toBe(true)
  })
})

describe('what stands beside the log', () => {
  const put2 = async (
    change: (vfs: Awaited<ReturnType<typeof putStore>>) => unknown,
  ): Promise<string[]> => {
    const vfs = await putStore(log)
    await change(vfs)
    const scan = await scanLog(vfs, LOG)
    expect(scan).toMatchObject({ records: 20, bytesSound: true, losses: [] })
    expect(scan.openBlock).not.toBeNull()
    return scan.anomalies.map(({ code, path, offset }) => `${code} ${path} ${offset}`)
  }

  it('missing', async () => {
    expect(await put2((vfs) => vfs.unlink(sidecarPath(LOG)))).toEqual([
      `sidecar_missing ${sidecarPath(LOG)} null`,
    ])
    expect(await put2((vfs) => vfs.unlink(markPath(LOG)))).toEqual([
      `mark_missing ${markPath(LOG)} null`,
    ])
  })

  it('of another log', async () => {
    const theirs = await sidecarOf(await putStore(other), other)
    expect(await put2((vfs) => vfs.put(sidecarPath(LOG), encodeSidecar(theirs)))).toEqual([
      `sidecar_damaged ${sidecarPath(LOG)} 0`,
    ])
    const slot = encodeSlot(ackMarkOf(other))
    expect(await put2((vfs) => vfs.put(markPath(LOG), Buffer.concat([slot, slot])))).toEqual([
      `mark_damaged ${markPath(LOG)} 0`,
    ])
  })

  it('a folder or a pipe in its place', async () => {
    expect(
      await put2(async (vfs) => {
        await vfs.unlink(sidecarPath(LOG))
        vfs.special(sidecarPath(LOG), 'other')
      }),
    ).toEqual([`sidecar_damaged ${sidecarPath(LOG)} 0`])
  })

  it('a sidecar that is older than the log', async () => {
    const newer = buildLog({ last: 20, generation: 3 })
    const vfs = await putStore(newer, { sidecar: { generation: 1 } })
    const scan = await scanLog(vfs, LOG)
    expect(scan.anomalies.map(({ code, detail }) => [code, detail])).toEqual([
      ['sidecar_damaged', expect.stringMatching(/older/)],
    ])
  })

  it('a rewrite that was interrupted after the rename: a notice', async () => {
    const newer = buildLog({ last: 20, generation: 2 })
    const vfs = await putStore(newer, {
      closed: false,
      sidecar: { generation: 1, next: 2 },
      mark: { generation: 1, offset: 9_999_999 },
    })
    vfs.put(`${LOG}.0123456789ab.tmp`, 'x')
    const scan = await scanLog(vfs, LOG)
    expect(short(scan)).toEqual([])
    expect(scan.notices.map(({ code }) => code)).toEqual(['interrupted_work', 'interrupted_work'])
  })

  it('recorded losses are told, and not found again', async () => {
    const gap = put(at(6), end(7), '')
    const losses = [
      {
        seq: { first: 6, last: 7 },
        records: 2,
        code: 'corrupt_record' as const,
        at: 1_710_000_000_000,
      },
    ]
    const scan = await scanDamaged(log, gap, { sidecar: { losses } })
    expect(scan.notices.map(({ code, seq, count }) => [code, seq?.first, count])).toEqual([
      ['recorded_loss', 6, 2],
    ])
    expect(scan.losses).toEqual([])
  })
})

describe('an older copy', () => {
  it('of the same generation: rolled_back', async () => {
    const older = buildLog({ last: 12, blockBytes: 512 })
    const scan = await scanDamaged(log, older.bytes)
    expect(short(scan)).toEqual([`rolled_back @${older.bytes.length}+null seq 13..20 n8 lost`])
  })

  it('of a generation before: rolled_back, also if no record is missing', async () => {
    const newer = buildLog({ last: 20, generation: 2 })
    const scan = await scanDamaged(newer, log.bytes)
    expect(short(scan)).toEqual([`rolled_back @${size}+null seq - n0`])
    const shorter = buildLog({ last: 12 })
    expect(short(await scanDamaged(newer, shorter.bytes))).toEqual([
      `rolled_back @${shorter.bytes.length}+null seq 13..20 n8 lost`,
    ])
  })
})

describe('no log', () => {
  it('nothing there: store_not_found', async () => {
    await expect(scanLog(memVfs(), LOG)).rejects.toMatchObject({ code: 'store_not_found' })
  })

  it('gone while what stands beside it is there: rolled_back', async () => {
    const vfs = await putStore(log)
    await vfs.unlink(LOG)
    const scan = await scanLog(vfs, LOG)
    expect(short(scan)).toEqual(['rolled_back @0+null seq 1..20 n20 lost'])
    expect(scan).toMatchObject({ identity: { logId: 'log-a' }, keep: [], bytesSound: false })
  })

  it('empty while what stands beside it is there: rolled_back', async () => {
    expect(short(await scanDamaged(log, Buffer.alloc(0)))).toEqual([
      'rolled_back @0+null seq 1..20 n20 lost',
    ])
  })

  it('empty and alone: a plain log without records', async () => {
    const vfs = memVfs()
    vfs.put(LOG, '')
    expect(await scanLog(vfs, LOG)).toMatchObject({ state: 'plain', records: 0, anomalies: [] })
  })

  it('a folder, a pipe, a link in a circle: not_a_log', async () => {
    const vfs = memVfs()
    await vfs.mkdir('/folder')
    vfs.special('/pipe', 'other')
    vfs.special('/a', 'symlink', '/b')
    vfs.special('/b', 'symlink', '/a')
    for (const path of ['/folder', '/pipe', '/a']) {
      await expect(scanLog(vfs, path), path).rejects.toMatchObject({ code: 'not_a_log' })
    }
  })

  it('a file of another format: unreadable', async () => {
    const vfs = memVfs()
    vfs.put(LOG, gzipSync(log.bytes))
    const scan = await scanLog(vfs, LOG)
    expect(short(scan)).toEqual(['unreadable @0+null seq - n0'])
    expect(scan).toMatchObject({ state: 'unrecognised', identity: null })
  })

  it('a link to a log is followed', async () => {
    const vfs = await putStore(log)
    vfs.special('/link', 'symlink', LOG)
    expect(await scanLog(vfs, '/link')).toMatchObject({ path: LOG, records: 20 })
  })
})

describe('asking', () => {
  it('lists at most maxAnomalies, and counts all', async () => {
    const text = log.bytes
      .toString()
      .split('\n')
      .map((line, i) => (i % 2 === 1 ? `${line}\nbad` : line))
      .join('\n')
    const scan = await scanDamaged(log, Buffer.from(text), {}, { maxAnomalies: 3 })
    expect(scan.anomalies.length).toBe(3)
    expect(Object.values(scan.anomalyCounts).reduce((a, b) => a + b, 0)).toBe(13)
  })

  it('stops when it is told to', async () => {
    const vfs: Awaited<ReturnType<typeof putStore>> = await putStore(log)
    await expect(scanLog(vfs, LOG, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    })
  })
})
