import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Reply } from '../src/connection.js'
import { decodeEntry, recordBytes, recordText, seedOf } from '../src/entry.js'
import { checksum } from './support/checksum.js'
import {
  bytesOfHoles,
  coverThrough,
  formatHoles,
  joinHoles,
  outsideHoles,
  parseHoles,
  sizeOfHoles,
  type Hole,
} from '../src/holes.js'
import { newMeta, readMeta } from '../src/meta.js'
import { event } from './support/stores.js'

const SEED = seedOf('log-1')

type Words = readonly (string | Buffer)[]

function entry(id: string, fields: Words): Reply {
  return [Buffer.from(id), fields.map((word) => Buffer.from(word))]
}

function ours(n: number): [mark: string, text: string] {
  const text = recordText(event(n))
  const key = `aa:1:${n}`
  const bytes = recordBytes(n, 'event', Buffer.byteLength(text))
  return [`${key}:${checksum(SEED, 'event', key, text)}:${n}:${n * bytes}`, text]
}

describe('a store of several partitions', () => {
  const read = (partitions: string | null): string | undefined => {
    const words = newMeta('log-1', 1000).map(String)
    const at = words.indexOf('partitions')
    if (partitions === null) words.splice(at, 2)
    else words[at + 1] = partitions
    return readMeta(
      words.map((word) => Buffer.from(word)),
      'redis://x',
    )?.logId
  }

  test('is refused, for a part of it is not the whole', () => {
    expect(read('1')).toBe('log-1')
    expect(read(null)).toBe('log-1')
    expect(() => read('2')).toThrow(expect.objectContaining({ code: 'newer_format' }))
  })
})

describe('an entry', () => {
  test('is read back as the record it was made of', () => {
    const { record, problem, totals } = decodeEntry('event', SEED, entry('7-0', ours(7)))
    expect(problem).toBeNull()
    expect(totals?.records).toBe(7)
    expect(record?.timestamp).toBe(event(7).timestamp)
    expect(record?.json).toBe(`{"seq":7,"kind":"event",${ours(7)[1]}}`)
    expect(record?.bytes).toBe(Buffer.byteLength(record?.json ?? '') + 1)
  })

  test('with any changed bit in its key, checksum or text is no record', () => {
    const [mark, text] = ours(7)
    // The totals at the end of the mark are held against those of the neighbours.
    const checked = [mark.length - ':7:1000'.length, text.length]
    for (const field of [0, 1]) {
      for (let bit = 0; bit < (checked[field] ?? 0) * 8; bit += 1) {
        const words = [Buffer.from(mark), Buffer.from(text)]
        const bytes = words[field] as Buffer
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const { record, problem } = decodeEntry('event', SEED, entry('7-0', words))
        expect(record, `bit ${bit} of ${field}`).toBeNull()
        expect(problem).toMatch(field === 1 ? /^corrupt_record$/ : /^(corrupt|foreign)_record$/)
      }
    }
  })

  test.each([
    ['of another log', 'corrupt_record', '7-0', 'event', seedOf('log-2')],
    ['of another kind', 'corrupt_record', '7-0', 'audit', SEED],
    ['under an id that is not ours', 'foreign_record', '7-1', 'event', SEED],
  ] as const)('%s is no record', (_, problem, id, kind, seed) => {
    expect(decodeEntry(kind, seed, entry(id, ours(7)))).toMatchObject({ problem, record: null })
  })

  test.each([
    ['a field more', [...ours(7), 'x', '1']],
    ['no field', []],
    ['another field', ['hello', 'world']],
  ])('with %s is foreign', (_, fields) => {
    expect(decodeEntry('event', SEED, entry('7-0', fields)).problem).toBe('foreign_record')
  })
})

/** Some places that are gone, as single holes. */
const places = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 })
const single = (place: number): Hole => ({ first: place, last: place, bytes: place })
const listed = (holes: readonly Hole[]): number[] =>
  holes.flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, at) => first + at),
  )

describe('holes', () => {
  test('hold just the places that were put in, and their bytes, and survive being written', () => {
    fc.assert(
      fc.property(places, (gone) => {
        const holes = joinHoles([], gone.map(single))
        const sorted = [...gone].sort((a, b) => a - b)
        expect(listed(holes)).toEqual(sorted)
        expect(sizeOfHoles(holes)).toBe(gone.length)
        expect(bytesOfHoles(holes)).toBe(gone.reduce((sum, place) => sum + place, 0))
        expect(parseHoles(formatHoles(holes))).toEqual(holes)
        for (const [at, hole] of holes.entries()) {
          expect(hole.first).toBeGreaterThan((holes[at - 1]?.last ?? -1) + 1)
        }
      }),
    )
  })

  test('leave of a gap what is in none of them, and its bytes', () => {
    fc.assert(
      fc.property(places, fc.integer({ min: 1, max: 60 }), fc.nat(30), (gone, first, more) => {
        const last = first + more
        const within = (place: number): boolean => place >= first && place <= last
        const known = joinHoles([], gone.map(single))
        // A gap begins and ends where a record stands, so that no hole reaches over its ends.
        fc.pre(!gone.includes(first - 1) || !gone.includes(first))
        fc.pre(!gone.includes(last + 1) || !gone.includes(last))
        const all = Array.from({ length: more + 1 }, (_, at) => first + at)
        const bytes = all.reduce((sum, place) => sum + place, 0)
        const left = outsideHoles(known, { first, last, bytes })
        expect(listed(left)).toEqual(all.filter((place) => !gone.includes(place)))
        if (left.length === 0) return
        const inside = gone.filter(within).reduce((sum, place) => sum + place, 0)
        expect(bytesOfHoles(left)).toBe(bytes - inside)
      }),
    )
  })

  test('that are covered from the start are one', () => {
    const holes = joinHoles([], [2, 3, 7, 9].map(single))
    expect(coverThrough(holes, 7, 28)).toEqual([
      { first: 1, last: 7, bytes: 28 },
      { first: 9, last: 9, bytes: 9 },
    ])
    expect(coverThrough(holes, 8, 36)).toEqual([{ first: 1, last: 9, bytes: 45 }])
    expect(coverThrough(holes, 0, 0)).toEqual(holes)
  })
})
