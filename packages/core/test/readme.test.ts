import { expect, test } from 'vitest'
import { block, printed, typeErrors } from './support/snippets.js'

const README = 'README.md'

test('the snippet of the README compiles under the options of the repository', async () => {
  const code = await block(README, 'ts')
  expect(typeErrors(code)).toEqual([])
  expect(typeErrors(code.replaceAll('payload.total', 'payload.totl')).join()).toContain('totl')
})

test('the snippet of the README prints what the README says', async () => {
  expect(await printed('readme', await block(README, 'ts'))).toBe(await block(README, 'text'))
})
