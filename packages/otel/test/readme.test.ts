import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { bundleForNode } from '@papyra/build-config/bundle'
import { expect, test } from 'vitest'

test('the snippet of the README is the one that is compiled, and it exports', async () => {
  const page = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const fixture = new URL('./fixtures/readme.ts', import.meta.url)
  expect(/^```ts\n(.*?)^```$/ms.exec(page)?.[1]).toBe(await readFile(fixture, 'utf8'))
  const { stdout } = await promisify(execFile)(process.execPath, [await bundleForNode(fixture)])
  expect(stdout).toMatch(/name: 'papyra\.record\.written',[\s\S]*?value: 1\b/)
})
