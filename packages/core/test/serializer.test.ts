import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_DEPTH, MAX_VALUES, serialize } from '../src/serializer.js'

function back(value: unknown): unknown {
  return JSON.parse(serialize(value))
}

/** True if no surrogate stands alone, so that nothing is lost in UTF-8. */
function isWellFormed(text: string): boolean {
  return Buffer.from(text).toString() === text
}

function thrower(message: string): { readonly bad: number } {
  return {
    get bad(): number {
      throw new Error(message)
    },
  }
}

describe('what JSON can hold', () => {
  test('is the same text that JSON.stringify gives', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 20 }), (value) => {
        expect(serialize(value)).toBe(JSON.stringify(value))
      }),
    )
  })

  test('deep and large values, which take the thorough way, too', () => {
    let deep: unknown = { text: 'é\u2028"\\', list: [1, -0, 1e300] }
    for (let i = 0; i < 100; i += 1) deep = i % 2 === 0 ? [deep] : { deep }
    expect(serialize(deep)).toBe(JSON.stringify(deep))
    const large = Array.from({ length: 30_000 }, (_, i) => ({ i, t: `t${i}` }))
    expect(serialize(large)).toBe(JSON.stringify(large))
  })
})

describe('whatever it is', () => {
  test('it never throws, and what comes out is one line of well-formed JSON', () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withBoxedValues: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withNullPrototype: true,
          withObjectString: true,
          withSparseArray: true,
          withTypedArray: true,
          withUnicodeString: true,
        }),
        (value) => {
          const text = serialize(value)
          expect(text).not.toContain('\n')
          expect(isWellFormed(text)).toBe(true)
          JSON.parse(text)
        },
      ),
      { numRuns: 2000 },
    )
  })

  test.each<[string, unknown, unknown]>([
    ['bigint', 2n ** 64n, '18446744073709551616'],
    ['NaN', { n: Number.NaN }, { n: 'NaN' }],
    ['Infinity', [Infinity, -Infinity], ['Infinity', '-Infinity']],
    ['undefined on top', undefined, null],
    ['a function on top', () => 1, null],
    [
      'undefined, function, symbol in an object',
      { a: undefined, b() {}, c: Symbol('x'), d: 1 },
      { d: 1 },
    ],
    [
      'undefined, function, symbol in an array',
      [undefined, () => 1, Symbol('x')],
      [null, null, null],
    ],
    ['holes', Object.assign(new Array(3), { 0: 1, 2: 3 }), [1, null, 3]],
    ['Date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['invalid Date', { d: new Date(Number.NaN) }, { d: null }],
    ['Map with text keys', new Map([['a', 1n]]), { a: '1' }],
    ['Map with other keys', new Map<unknown, unknown>([[1, new Set([2])]]), [[1, [2]]]],
    ['Set', new Set([1, 'a']), [1, 'a']],
    ['RegExp', /a+/gi, '/a+/gi'],
    ['bytes', Uint8Array.of(1, 2, 255), 'AQL/'],
    ['Buffer', Buffer.from('hello'), 'aGVsbG8='],
    ['ArrayBuffer', Uint8Array.of(0, 16).buffer, 'ABA='],
    ['DataView', new DataView(Uint8Array.of(9, 8, 7).buffer, 1), 'CAc='],
    ['Float64Array', Float64Array.of(1.5, Number.NaN), [1.5, 'NaN']],
    ['BigInt64Array', BigInt64Array.of(-1n), ['-1']],
    ['boxed', [Object(1), Object('a'), Object(false), Object(5n)], [1, 'a', false, '5']],
    ['null prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['toJSON', { toJSON: () => new Map([['a', new Set([1])]]) }, { a: [1] }],
    ['toJSON of an array', Object.assign([1], { toJSON: () => new Set([2]) }), [2]],
    ['toJSON gets the key', { k: { toJSON: (key: string) => `at ${key}` } }, { k: 'at k' }],
    ['URL', new URL('https://example.com/a'), 'https://example.com/a'],
  ])('%s', (_, value, expected) => {
    expect(back(value)).toEqual(expected)
  })

  test('a class instance gives its own members', () => {
    class Order {
      id = 'A1'
      #secret = 1
      get total(): number {
        return this.#secret
      }
    }
    expect(back(new Order())).toEqual({ id: 'A1' })
  })

  test('an Error gives name, message, code, stack and cause', () => {
    const error = Object.assign(new TypeError('outer', { cause: new Error('inner') }), {
      code: 'E1',
    })
    expect(back({ error })).toMatchObject({
      error: {
        name: 'TypeError',
        message: 'outer',
        code: 'E1',
        stack: expect.stringContaining('outer'),
        cause: { name: 'Error', message: 'inner' },
      },
    })
    expect(back(new AggregateError([new Error('one')], 'many'))).toMatchObject({
      name: 'AggregateError',
      errors: [{ message: 'one' }],
    })
  })

  test('large byte arrays survive', () => {
    const bytes = Uint8Array.from({ length: 100_001 }, (_, i) => i % 251)
    expect(Buffer.from(String(back(bytes)), 'base64').equals(Buffer.from(bytes))).toBe(true)
  })

  test('cycles become [Circular], repeated objects do not', () => {
    const shared = { n: 1 }
    const value: Record<string, unknown> = { a: shared, b: shared, list: [] }
    value['self'] = value
    value['list'] = [value]
    expect(back(value)).toEqual({
      a: { n: 1 },
      b: { n: 1 },
      self: '[Circular]',
      list: ['[Circular]'],
    })
    const map = new Map<string, unknown>()
    map.set('me', map)
    expect(back(map)).toEqual({ me: '[Circular]' })
  })

  test('more than 200 levels become [Too deep]', () => {
    let value: unknown = 'bottom'
    for (let i = 0; i < MAX_DEPTH; i += 1) value = [value]
    expect(serialize(value)).toBe(JSON.stringify(value))
    expect(serialize([value])).toBe(JSON.stringify([value]).replace('["bottom"]', '"[Too deep]"'))
    let abyss: unknown = {}
    for (let i = 0; i < 200_000; i += 1) abyss = { abyss }
    expect(serialize(abyss)).toContain('[Too deep]')
    const spiral = { toJSON: (): unknown => ({ again: { toJSON: spiral.toJSON } }) }
    expect(serialize(spiral)).toContain('[Too deep]')
  })

  test('a small value that unfolds without end stops at 2 000 000 values', () => {
    let value: unknown = { leaf: 1 }
    for (let i = 0; i < 60; i += 1) value = [value, value]
    const text = serialize(value)
    expect(text).toContain('[Too large]')
    expect(text.length).toBeLessThan(MAX_VALUES * 16)
    JSON.parse(text)
    expect(JSON.parse(serialize(new Array(4_000_000_000)))).toHaveLength(MAX_VALUES + 1)
  })

  test('what throws when looked at is replaced alone', () => {
    expect(back({ a: 1, inner: thrower('no luck'), z: [thrower('nor here')] })).toEqual({
      a: 1,
      inner: { bad: '[Unserializable: no luck]' },
      z: [{ bad: '[Unserializable: nor here]' }],
    })
    const toJSON = (): never => {
      throw new Error('toJSON broke')
    }
    expect(back({ a: { toJSON }, b: 2 })).toEqual({ a: '[Unserializable: toJSON broke]', b: 2 })
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(back({ proxy, b: 2 })).toEqual({
      proxy: expect.stringMatching(/^\[Unserializable: /),
      b: 2,
    })
    const unspeakable = Object.create(null)
    const throwsNonsense = {
      get x(): never {
        throw unspeakable
      },
    }
    expect(back(throwsNonsense)).toEqual({ x: '[Unserializable: unknown error]' })
    expect(back(Object.create(Date.prototype))).toMatch(/^\[Unserializable: /)
  })

  test('lone surrogates are escaped in values and keys, pairs are not', () => {
    const text = serialize({ '\udc00k': ['\ud800', 'x\udfffy', '😀'] })
    expect(text).toBe(String.raw`{"\udc00k":["\ud800","x\udfffy","😀"]}`)
    expect(back('\ud800')).toBe('\ud800')
    expect(isWellFormed(serialize(new Map([['\ud800', 'a\ud800'.repeat(40)]])))).toBe(true)
  })

  test('__proto__ and constructor are data', () => {
    const value: unknown = JSON.parse(
      '{"__proto__":{"admin":true},"constructor":1,"a":[{"__proto__":1}]}',
    )
    expect(serialize(value)).toBe(JSON.stringify(value))
    expect(serialize({ big: 1n, value })).toBe(`{"big":"1","value":${JSON.stringify(value)}}`)
    const map = serialize(new Map<string, unknown>([['__proto__', { admin: true }]]))
    expect(map).toBe('{"__proto__":{"admin":true}}')
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
  })
})
