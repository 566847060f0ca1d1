import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { scanLog } from '../../src/scan/scan-log.js'
import type { LogScan } from '../../src/scan-types.js'
import { memVfs } from '../../src/testing/index.js'
import { LOG, short } from './build-log.js'

const EVENT =
  '{"kind": "event", "system_id": "local", "actor_address": {"system": "local", "actor_id": 1}, "event_type": "ActorStarted", "payload": {}, "timestamp": 1768380322.51}'
const AUDIT =
  '{"kind": "audit", "system_id": "local", "timestamp": 1768380323.02, "total_actors": 3, "alive_actors": 2, "stopping_actors": 1, "restarting_actors": 0, "registry_size": 1, "registry_orphans": [], "registry_dead": [], "dead_letters_count": 4}'
const LETTER =
  '{"kind": "dead_letter", "system_id": "local", "target": "local:2", "message_type": "str", "payload": "hello", "timestamp": 1768380323.5}'

async function scanText(text: string | Buffer): Promise<LogScan> {
  const vfs = memVfs()
  vfs.put(LOG, text)
  return scanLog(vfs, LOG)
}
const lines = (...some: string[]): string => some.map((line) => `${line}\n`).join('')
const kept = (scan: LogScan): number[][] =>
  scan.keep.map(({ firstSeq, lastSeq, records }) => [firstSeq, lastSeq, records])

describe('a plain log', () => {
  it('as the Python program wrote it is sound', async () => {
    const text = lines(EVENT, AUDIT, LETTER)
    const scan = await scanText(text)
    expect(short(scan)).toEqual([])
    expect(scan).toMatchObject({
      state: 'plain',
      coverage: 'structure',
      identity: null,
      records: 3,
      firstSeq: 1,
      lastSeq: 3,
      bytesSound: true,
      soundEnd: text.length,
    })
    expect(scan.notices.map(({ code }) => code)).toEqual(['plain_log'])
    expect(kept(scan)).toEqual([[1, 3, 3]])
  })

  it('may lack its last line end', async () => {
    const scan = await scanText(lines(EVENT) + AUDIT)
    expect(short(scan)).toEqual([])
    expect(scan.records).toBe(2)
  })

  it('with a torn last line, at every byte: torn_tail', async () => {
    for (let n = 1; n < LETTER.length; n++) {
      const text = lines(EVENT, AUDIT)
      const scan = await scanText(text + LETTER.slice(0, n))
      expect(short(scan), String(n)).toEqual([`torn_tail @${text.length}+${n} seq - n0`])
      expect(scan).toMatchObject({ cutMends: true, records: 2, soundEnd: text.length })
    }
  })

  it('with lines that are no JSON objects: corrupt_record, neighbours in one', async () => {
    const scan = await scanText(
      lines(EVENT, '17', 'null', '[]', '"x"', '{"a":', AUDIT, '\u0000\u0000', LETTER),
    )
    expect(scan.anomalies.map(({ code, records }) => [code, records])).toEqual([
      ['corrupt_record', 0],
      ['corrupt_record', 0],
    ])
    expect(scan.records).toBe(3)
    expect(scan.lines).toEqual({ total: 9, bad: 6 })
    expect(kept(scan)).toEqual([
      [1, 1, 1],
      [2, 2, 1],
      [3, 3, 1],
    ])
  })

  it('with invalid UTF-8: corrupt_record', async () => {
    const scan = await scanText(
      Buffer.concat([
        Buffer.from(lines(EVENT)),
        Buffer.from([0x7b, 0xff, 0x7d, 0x0a]),
        Buffer.from(lines(AUDIT)),
      ]),
    )
    expect(short(scan)).toEqual([`corrupt_record @${EVENT.length + 1}+4 seq - n0`])
  })

  it('with a field missing or of the wrong type: invalid_record', async () => {
    for (const bad of [
      EVENT.replace('"event_type": "ActorStarted", ', ''),
      EVENT.replace('"timestamp": 1768380322.51', '"timestamp": "now"'),
      EVENT.replace('"kind": "event"', '"kind": 5'),
      AUDIT.replace('"total_actors": 3', '"total_actors": "3"'),
      LETTER.replace('"message_type": "str"', '"message_type": null'),
      EVENT.replace('"payload": {}', '"__proto__": {"payload": 1}'),
    ]) {
      const scan = await scanText(lines(AUDIT, bad, LETTER))
      expect(short(scan), bad).toEqual([
        `invalid_record @${AUDIT.length + 1}+${bad.length + 1} seq - n0`,
      ])
      expect(scan.setAside).toEqual([
        { offset: AUDIT.length + 1, end: AUDIT.length + bad.length + 2, code: 'invalid_record' },
      ])
    }
  })

  it('with two records, or a fragment and a record, on a line: glued_line, the records kept', async () => {
    const two = await scanText(lines(EVENT + LETTER, AUDIT))
    expect(short(two)).toEqual([`glued_line @0+${EVENT.length + LETTER.length + 1} seq - n0`])
    expect(two.setAside).toEqual([])
    expect(kept(two)).toEqual([
      [1, 1, 1],
      [2, 3, 2],
    ])
    const fragment = LETTER.slice(0, 50)
    const one = await scanText(lines(AUDIT, fragment + EVENT, AUDIT))
    expect(one.anomalyCounts).toEqual({ glued_line: 1 })
    expect(one.setAside).toEqual([
      { offset: AUDIT.length + 1, end: AUDIT.length + 51, code: 'glued_line' },
    ])
    expect(one.records).toBe(3)
  })

  it('with carriage returns, a byte order mark or blank lines: stray_bytes', async () => {
    const scan = await scanText(`\uFEFF${[EVENT, AUDIT, '', LETTER, ''].join('\r\n')}`)
    expect(Object.keys(scan.anomalyCounts)).toEqual(['stray_bytes'])
    expect(scan.records).toBe(3)
  })

  it('with kinds that are not known: a notice', async () => {
    const scan = await scanText(
      lines('{"kind":"invoice","timestamp":1}', EVENT, '{"kind":"invoice","timestamp":2}'),
    )
    expect(short(scan)).toEqual([])
    expect(scan.notices).toMatchObject([
      { code: 'plain_log' },
      { code: 'unknown_kind', count: 2, seq: { first: 1, last: 1 } },
    ])
  })

  it('with 10 MB of nesting is read', async () => {
    const deep = `{"kind":"event","system_id":"s","actor_address":null,"event_type":"t","timestamp":1,"payload":${'['.repeat(5_000_000)}${']'.repeat(5_000_000)}}`
    const scan = await scanText(lines(EVENT, deep))
    expect(short(scan)).toEqual([])
    expect(scan.records).toBe(2)
  })

  it('of which only a torn line is there, or none at all', async () => {
    expect(await scanText('{"kind": "event"')).toMatchObject({
      state: 'unrecognised',
      anomalyCounts: { unreadable: 1 },
    })
    expect(await scanText(EVENT)).toMatchObject({ state: 'plain', records: 1 })
    expect(await scanText('')).toMatchObject({ state: 'plain', records: 0 })
  })
})
