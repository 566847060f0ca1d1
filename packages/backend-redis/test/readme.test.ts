import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { bundleForNode } from '@papyra/build-config/bundle'
import { expect, test } from 'vitest'
import { startRedis } from './support/redis-server.js'

const run = promisify(execFile)

function block(text: string, language: string): string {
  return new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(text)?.[1] ?? ''
}

test('the snippet of the README is the one that is compiled, and prints what it says', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const fixture = new URL('./fixtures/readme.ts', import.meta.url)
  expect(await readFile(fixture, 'utf8')).toBe(block(readme, 'ts'))
  const bundle = await bundleForNode(fixture)
  const server = await startRedis()
  try {
    const env = { ...process.env, PAPYRA_REDIS_URL: server.url }
    const { stdout } = await run(process.execPath, [bundle], { env })
    expect(stdout).toBe(block(readme, 'text'))
  } finally {
    await server.stop()
  }
})
