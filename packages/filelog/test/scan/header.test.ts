import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { millisOf, parseHeader, secondsText } from '../../src/format/frame.js'
import { recordSeq } from '../../src/scan/record-seq.js'

const rest = ',"system_id":"shop","event_type":"placed","payload":{"some":"text"},"crc":"00000000"}'

/** What the header says, found with `JSON.parse`. */
function parsed(text: string): { seq: number; kind: string; timestamp: number } {
  const { seq, kind, timestamp } = JSON.parse(text) as {
    seq: number
    kind: string
    timestamp: number
  }
  return { seq, kind, timestamp: Number.isFinite(timestamp) ? millisOf(timestamp) : Number.NaN }
}

const anyNumber = fc.oneof(
  fc.double({ min: 0, max: 4e9, noNaN: true }).map((ms) => secondsText(ms * 1000)),
  fc.integer({ min: -10, max: 4_000_000_000 }).map(String),
  fc.tuple(fc.nat(), fc.stringMatching(/^\d{1,9}$/)).map(([n, digits]) => `${n}.${digits}`),
  fc.constantFrom('0', '0.5', '-0', '1e3', '1.5E-3', '1e400', '12345678901', '9999999999.999999'),
)
const anyKind = fc.constantFrom('event', 'audit', 'dead_letter', 'invoice', 'e', 'eventual')

describe('the first bytes of a line', () => {
  it('say what JSON.parse says of the whole', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        anyKind,
        anyNumber,
        (seq, kind, time) => {
          const text = `{"seq":${seq},"kind":"${kind}","timestamp":${time}${rest}`
          const bytes = Buffer.from(`xx${text}`)
          expect(parseHeader(bytes, 2, bytes.length)).toEqual(parsed(text))
          const quick = recordSeq(bytes, 2, bytes.length)
          if (quick !== 0) expect(quick).toBe(seq)
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('are read the quick way where this program wrote them', () => {
    for (const kind of ['event', 'audit', 'dead_letter']) {
      const bytes = Buffer.from(`{"seq":17,"kind":"${kind}","timestamp":1710000000.123${rest}`)
      expect(recordSeq(bytes, 0, bytes.length)).toBe(17)
    }
  })

  it('are no header if anything in them is wrong', () => {
    for (const text of [
      `{"seq":0,"kind":"event","timestamp":1${rest}`,
      `{"seq":01,"kind":"event","timestamp":1${rest}`,
      `{"seq":-1,"kind":"event","timestamp":1${rest}`,
      `{"seq":1,"kind":"","timestamp":1${rest}`,
      `{"seq":1,"kind":5,"timestamp":1${rest}`,
      `{"seq":1,"timestamp":1,"kind":"event"${rest}`,
      `{"seq":1,"kind":"event","timestamp":"1"${rest}`,
      `{"seq":1,"kind":"event","timestamp":01${rest}`,
      `{"seq":1,"kind":"event","timestamp":1.${rest}`,
      `{"seq":1,"kind":"event","timestamp":.5${rest}`,
      `{"seq":1,"kind":"event","timestamp":${rest}`,
      `{"seq":1,"kind":"event","timestamp":null${rest}`,
      `{"seq":1,"kind":"event","timestamp":1 ${rest}`,
      `{ "seq":1,"kind":"event","timestamp":1${rest}`,
      `{"seq":9007199254740993,"kind":"event","timestamp":1${rest}`,
    ]) {
      const bytes = Buffer.from(text)
      expect(parseHeader(bytes, 0, bytes.length), text).toBeNull()
      expect(recordSeq(bytes, 0, bytes.length), text).toBe(0)
    }
  })
})
