import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { block, printed } from './support/snippets.js'

const PAGE = '../../docs/other-runtimes.md'

test('with a real XState the recipe of the page, which is compiled, records what the page says', async () => {
  const fixture = new URL('./fixtures/other-runtimes.ts', import.meta.url)
  const code = await block(PAGE, 'ts')
  expect(code).toBe(await readFile(fixture, 'utf8'))
  expect(await printed('xstate', code)).toBe(await block(PAGE, 'text'))
})
