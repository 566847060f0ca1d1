import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { bundleForNode } from '@papyra/build-config/bundle'
import { expect, test } from 'vitest'

const run = promisify(execFile)

function block(text: string, language: string): string {
  return new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(text)?.[1] ?? ''
}

test('the snippet of the README is the one that is compiled, and prints what it says', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const fixture = new URL('./fixtures/readme.ts', import.meta.url)
  expect(await readFile(fixture, 'utf8')).toBe(block(readme, 'ts'))
  const bundle = await bundleForNode(fixture)
  const cwd = await mkdtemp(join(tmpdir(), 'papyra-readme-'))
  try {
    const { stdout } = await run(process.execPath, [bundle], { cwd })
    expect(stdout).toBe(block(readme, 'text'))
  } finally {
    await rm(cwd, { recursive: true, force: true })
  }
})
