import { Buffer } from 'node:buffer'
import { isPapyraError, PapyraError } from '@papyra/contracts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineReader } from '../../src/control/line-reader.js'
import { parseHello, parseReply, parseRequest } from '../../src/control/protocol.js'
import { fromWire, toWire } from '../../src/control/wire-error.js'

const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 20 })
const texts = fc.array(
  fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ' ')),
  { maxLength: 10 },
)

test('however the bytes are cut, the lines are the same', () => {
  fc.assert(
    fc.property(texts, cuts, (lines, places) => {
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
      const reader = new LineReader(bytes.length + 1)
      const ends = [...places.map((at) => Math.min(at, bytes.length)), bytes.length]
      const got: string[] = []
      let from = 0
      for (const end of ends.sort((a, b) => a - b)) {
        const { lines: some, tooLong } = reader.push(bytes.subarray(from, end))
        expect(tooLong).toBe(false)
        got.push(...some)
        from = end
      }
      expect(got).toEqual(lines.map((line) => line.trim()).filter((line) => line !== ''))
    }),
  )
})

test('a line is too long exactly when it is longer than the most, however it is cut', () => {
  fc.assert(
    fc.property(fc.nat({ max: 40 }), cuts, (length, places) => {
      const reader = new LineReader(20)
      const bytes = Buffer.from('x'.repeat(length))
      let tooLong = false
      let from = 0
      for (const end of [...places.filter((at) => at < length), length].sort((a, b) => a - b)) {
        if (!tooLong) tooLong = reader.push(bytes.subarray(from, end)).tooLong
        from = end
      }
      expect(tooLong).toBe(length > 20)
    }),
  )
})

test('no line makes a parser throw, and what it takes has a number and a known operation', () => {
  const line = fc.oneof(
    fc.string(),
    fc.json(),
    fc.object().map((value) => JSON.stringify(value)),
  )
  fc.assert(
    fc.property(line, (text) => {
      const request = parseRequest(text)
      if (!('problem' in request)) expect(Number.isSafeInteger(request.id)).toBe(true)
      expect(parseHello(text)).toBeNull()
      parseReply(text)
    }),
  )
})

test('an error arrives as it was sent; what is no known error is internal', () => {
  const error = new PapyraError('stale_plan', 'Old.', { hint: 'New.', details: { a: [1, null] } })
  const arrived = fromWire(JSON.parse(JSON.stringify(toWire(error))))
  expect(isPapyraError(arrived, 'stale_plan')).toBe(true)
  expect(arrived.toJSON()).toEqual(error.toJSON())
  const later = fromWire({ code: 'from_the_future', message: 'New thing.' })
  expect(later).toMatchObject({ code: 'internal', message: 'New thing. (from_the_future)' })
  expect(fromWire(null).code).toBe('internal')
  expect(fromWire({ code: 'toString', message: 1, details: 3 }).code).toBe('internal')
})
