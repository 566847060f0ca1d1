import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { bundleForNode } from '@papyra/build-config/bundle'
import { expect, test } from 'vitest'

const run = promisify(execFile)

test('the snippet of the front page is the one that is compiled, and it runs', async () => {
  const page = await readFile(new URL('../../../README.md', import.meta.url), 'utf8')
  const fixture = new URL('./fixtures/front-page.ts', import.meta.url)
  expect(/^```ts\n(.*?)^```$/ms.exec(page)?.[1]).toBe(await readFile(fixture, 'utf8'))
  const bundle = await bundleForNode(fixture)
  const cwd = await mkdtemp(join(tmpdir(), 'papyra-front-page-'))
  try {
    const { stdout } = await run(process.execPath, [bundle], { cwd })
    expect(stdout).toBe('1 3\n')
  } finally {
    await rm(cwd, { recursive: true, force: true })
  }
})
