import fc from 'fast-check'
import { expect, test } from 'vitest'
import { asciiJson, asciiRawJson, masked, printable } from '../src/output/text.js'
import { rawCodePoints } from './fixtures/raw.js'

const hostile = fc.string({
  unit: fc.constantFrom(
    '\u001b',
    '\u009b',
    '[31m',
    '\u202e',
    '\u2066',
    '\u2028',
    '\u007f',
    '\n',
    '\r',
    '\b',
    'a',
    '"',
    '\\',
    '\ud800',
    '\u00ad',
  ),
})

test('printable leaves nothing that acts on a terminal', () => {
  fc.assert(
    fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (text) => {
      const shown = printable(text)
      expect(rawCodePoints(shown)).toEqual([])
      expect(shown).not.toContain('\n')
    }),
  )
})

test('printable keeps ordinary text of any script', () => {
  for (const text of ['plain', 'Größe', '日本語', 'עברית', '🙂', 'a"b\\c'])
    expect(printable(text)).toBe(text)
})

test('JSON output is printable ASCII and reads back as the same value', () => {
  fc.assert(
    fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (text) => {
      fc.pre(!text.includes('://'))
      const json = asciiJson({ [text]: text })
      expect(json).toMatch(/^[\x20-\x7e]*$/)
      expect(JSON.parse(json)).toEqual({ [text]: text })
    }),
  )
})

test('stored JSON becomes ASCII without a change of value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = JSON.stringify(value, null, '\t').replaceAll('\n', '\r\n')
      fc.pre(!json.includes('://'))
      const shown = asciiRawJson(json)
      expect(shown).toMatch(/^[\x20-\x7e]*$/)
      expect(JSON.parse(shown)).toEqual(JSON.parse(json))
    }),
  )
})

const SECRET = 'hunter2'

test.each([
  'redis://:hunter2@host:6379/0',
  'redis://user:hunter2@host',
  'rediss://user:hunter2@[::1]:6380/1',
  'redis://user:hun%40hunter2@host/0',
  'redis://user:hunter2@@host',
  'redis://user:a/hunter2@host',
  'redis://user:a#hunter2@host',
  'redis://user:a?hunter2@host',
  'REDIS://USER:hunter2@HOST',
  'postgres+ssl://u:hunter2@h/db',
  'cannot reach redis://u:hunter2@h: ECONNREFUSED',
  '"redis://u:hunter2@h"',
  "{url:'redis://u:hunter2@h'}",
  'https://h/x?password=hunter2',
  'https://h/x?a=1&token=hunter2&b=2',
  'https://h/x?api_key=hunter2#top',
  'a redis://u:hunter2@h b redis://v:hunter2@i c',
])('masks %s', (text) => {
  expect(masked(text)).not.toContain(SECRET)
  expect(asciiJson({ url: text, list: [text] })).not.toContain(SECRET)
})

test.each([
  'shop://orders',
  'akka.tcp://shop@host:2552/user/orders@1',
  'http://host:8080/path@v2',
  'user:hunter2@host without a scheme',
  'https://h/x?page=2',
])('leaves %s alone', (text) => {
  expect(masked(text)).toBe(text)
})

test.each(['x', '://', '://b:', 'a://b:c', '@', ':', '?token=', 'a://b:c@ '])(
  'masking four million characters of %s ends: no input makes it slow',
  (part) => {
    const text = `a://b${part.repeat(Math.ceil(4_000_000 / part.length))}`
    expect(masked(text).length).toBeGreaterThan(0)
  },
)

test('passwords of several URLs in one text are all masked', () => {
  expect(masked('a://u:hunter2@h, b://h:80/x c://v:hunter2@i')).toBe(
    'a://u:***@h, b://h:80/x c://v:***@i',
  )
  expect(masked('[a://u:hunter2@h,b://v:hunter2@i]')).not.toContain(SECRET)
})
