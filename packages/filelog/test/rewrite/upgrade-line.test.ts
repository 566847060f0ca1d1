import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seedOf } from '../../src/format/checksum.js'
import { parseHeader, verifies } from '../../src/format/frame.js'
import { splitMembers } from '../../src/rewrite/member-splitter.js'
import { upgradeLine } from '../../src/rewrite/upgrade-line.js'

const seed = seedOf('log')

function upgrade(line: string): string | null {
  return upgradeLine(Buffer.from(line), 7, seed)?.toString() ?? null
}

describe('splitMembers', () => {
  test('finds every top-level member of any JSON object', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.constantFrom(0, 1, 3),
        (value, indent) => {
          const object = Object.fromEntries(
            Object.entries(value).filter(([key]) => key !== '__proto__'),
          )
          const bytes = Buffer.from(JSON.stringify(object, null, indent))
          const members = splitMembers(bytes, 0, bytes.length)
          expect(members?.map(({ rawKey }) => JSON.parse(`"${rawKey}"`) as unknown)).toEqual(
            Object.keys(object),
          )
          for (const { rawKey, valueStart, end } of members ?? []) {
            const key = JSON.parse(`"${rawKey}"`) as string
            expect(JSON.parse(bytes.toString('utf8', valueStart, end))).toEqual(
              JSON.parse(JSON.stringify(object[key])),
            )
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test.each([
    '',
    '[]',
    '1',
    '{',
    '{"a"}',
    '{"a":}',
    '{"a":1',
    '{"a":1,}',
    '{"a":"x',
    '{"a":1}x',
    '{a:1}',
  ])('%s is no object', (text) => {
    const bytes = Buffer.from(text)
    expect(splitMembers(bytes, 0, bytes.length)).toBeNull()
  })

  test('ten million brackets deep', () => {
    const bytes = Buffer.from(`{"a":${'['.repeat(1e7)}${']'.repeat(1e7)},"b":1}`)
    expect(splitMembers(bytes, 0, bytes.length)?.length).toBe(2)
  })
})

describe('upgradeLine', () => {
  test('puts seq, kind and timestamp first and copies every other byte', () => {
    const line =
      '{"kind": "event", "big": 12345678901234567890, "big":  1e400, "__proto__": {}, "timestamp": 1768380322.51}'
    expect(upgrade(line)).toMatch(
      /^\{"seq":7,"kind":"event","timestamp":1768380322\.51,"big": 12345678901234567890,"big": {2}1e400,"__proto__": \{\},"crc":"[0-9a-f]{8}"\}\n$/,
    )
  })

  test('a name of ours that hides behind an escape does not come twice', () => {
    expect(upgrade('{"\\u006bind":"audit","s\\u0065q":3,"x":1,"timestamp":5}')).toMatch(
      /^\{"seq":7,"kind":"audit","timestamp":5,"x":1,"crc":"[0-9a-f]{8}"\}\n$/,
    )
  })

  test.each([
    '{"kind":"_log","timestamp":1}',
    '{"timestamp":1}',
    '{"kind":1}',
    '[1]',
    '{"kind":"a\\"b"}',
    '{"kind":""}',
  ])('%s cannot be upgraded', (line) => expect(upgrade(line)).toBeNull())

  test('what it makes verifies, and reads back what went in', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.double({ noNaN: true, min: 0, max: 4e9 }),
        (rest, timestamp) => {
          const record = { ...rest, kind: 'event', timestamp }
          const line = upgradeLine(Buffer.from(JSON.stringify(record)), 7, seed)
          if (line === null) throw new Error('refused')
          expect(verifies(line, 0, line.length - 1, seed)).toBe(true)
          expect(parseHeader(line, 0, line.length - 1)?.seq).toBe(7)
          const {
            seq: _s,
            crc: _c,
            ...back
          } = JSON.parse(line.toString()) as Record<string, unknown>
          const {
            seq: _s2,
            crc: _c2,
            ...wanted
          } = JSON.parse(JSON.stringify(record)) as Record<string, unknown>
          expect(back).toEqual(wanted)
        },
      ),
      { numRuns: 300 },
    )
  })
})
