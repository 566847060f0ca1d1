import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { bundleForNode } from '../bundle.js'

const run = promisify(execFile)

test('a plain node process runs the bundle of a TypeScript file', async () => {
  const entry = new URL('./fixtures/child.ts', import.meta.url)
  const bundle = await bundleForNode(entry)
  const { stdout } = await run(process.execPath, [bundle, 'a', 'b'])
  expect(stdout).toBe('a/b')
})

test('concurrent callers get the same file', async () => {
  const entry = new URL('./fixtures/child.ts', import.meta.url)
  const paths = await Promise.all([bundleForNode(entry), bundleForNode(entry)])
  expect(new Set(paths).size).toBe(1)
})
