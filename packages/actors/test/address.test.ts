import { formatAddress, parseAddress } from '@papyra/actors'
import fc from 'fast-check'
import { expect, test } from 'vitest'

test('what can be printed is parsed back', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/)
  const id = fc.stringMatching(/^\$[a-z0-9]{12}-[1-9][0-9]{0,6}$/)
  fc.assert(
    fc.property(name, fc.oneof(name, id), (systemId, path) => {
      expect(parseAddress(formatAddress({ systemId, path }))).toEqual({ systemId, path })
    }),
  )
})

test('nothing else is an address', () => {
  for (const text of [
    '',
    'shop',
    'shop:/orders',
    'shop://',
    '://orders',
    ' shop://orders',
    'shop://orders ',
    'shop://orders\n',
    'shop://a/b',
    'shop://$',
    'shop://$abc',
    'shop://$abc-0',
    'shop://ä',
    'sh op://orders',
    'a://b://c',
    'shop:1://orders',
  ]) {
    expect(() => parseAddress(text), JSON.stringify(text)).toThrow('not the address')
  }
  expect(() => parseAddress(7 as never)).toThrow()
  expect(() => formatAddress({ systemId: 'shop', path: '' })).toThrow()
})
