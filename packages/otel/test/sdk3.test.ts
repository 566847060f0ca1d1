import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bundleForNode } from '@papyra/build-config/bundle'
import { expect, test } from 'vitest'
import { expectDefinitions, pointsOf } from './support/expected.js'
import { Receiver } from './support/receiver.js'

const run = promisify(execFile)
const here = fileURLToPath(new URL('./', import.meta.url))
const FILES = ['sdk3/package.json', 'sdk3/package-lock.json', 'fixtures/sdk3.mjs']

/** The packages of SDK 3, installed once: they need a Node that is too new for this workspace. */
async function installed(): Promise<string> {
  const hash = createHash('sha256')
  for (const file of FILES) hash.update(await readFile(join(here, file)))
  const cache = fileURLToPath(new URL('../node_modules/.cache/', import.meta.url))
  const place = join(cache, `sdk3-${hash.digest('hex').slice(0, 16)}`)
  if (existsSync(place)) return place
  await mkdir(cache, { recursive: true })
  const made = await mkdtemp(join(cache, 'sdk3-new-'))
  for (const file of FILES) await copyFile(join(here, file), join(made, basename(file)))
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  await fetched('SDK 3', () => run('npm', ['ci', ...flags], { cwd: made })).catch(async (error) => {
    await rm(made, { recursive: true })
    throw error
  })
  // Another run may have been quicker.
  await rename(made, place).catch(() => rm(made, { recursive: true }))
  return place
}

/** What comes from the registry: once it was here, it is used without asking. Never skipped. */
async function fetched<T>(what: string, work: () => Promise<T>): Promise<T> {
  return work().catch((cause: unknown) => {
    const text = `${what} is not in the cache of npm and cannot be fetched: is the registry reachable? Run this test once where it is.`
    throw new Error(text, { cause })
  })
}

test('SDK 3 on Node 24: the same names, units and kinds, and values over a restart', async () => {
  const place = await installed()
  const dir = await mkdtemp(join(tmpdir(), 'papyra-sdk3-'))
  const bundle = await bundleForNode(new URL('./fixtures/observed-store.ts', import.meta.url))
  const receiver = new Receiver()
  const url = await receiver.listen()
  const written = async (events: number): Promise<unknown> => {
    const args = [join(place, 'sdk3.mjs'), bundle, join(dir, 'shop.ndjson'), url, String(events)]
    const node = ['--yes', '--prefer-offline', '--package=node@24', '--', 'node']
    await fetched('Node 24', () => run('npx', [...node, '--version'], { cwd: place }))
    const { stdout } = await run('npx', [...node, ...args], { cwd: place })
    expect(stdout).toMatch(/^v24\./)
    return pointsOf(receiver.received.get('papyra.record.written')).map(({ asInt }) => asInt)
  }
  try {
    expect(await written(3)).toEqual(['3'])
    expectDefinitions(receiver)
    expect(await written(2)).toEqual(['5'])
    expect(receiver.requests).toBe(6)
  } finally {
    receiver.close()
    await rm(dir, { recursive: true })
  }
})
