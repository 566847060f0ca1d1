import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtemp, rm, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { bundleForNode } from '@papyra/build-config/bundle'
import type { Backend } from '@papyra/contracts'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { jsonBackend } from '../src/index.js'

type Child = ChildProcessByStdio<Writable, Readable, null>

let bundle: string
let dir: string
let path: string
const children: Child[] = []

beforeAll(async () => {
  bundle = await bundleForNode(new URL('./fixtures/owner-child.ts', import.meta.url))
})
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'papyra-owners-'))
  path = join(dir, 'shop.ndjson')
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL')
    await gone(child)
  }
  await rm(dir, { recursive: true, force: true })
})

function gone(child: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => child.once('exit', () => resolve()))
}

/** A process that owns the store and has appended one record. */
function startOwner(): Promise<Child> {
  const child = spawn(process.execPath, [bundle, path], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  return new Promise((resolve, reject) => {
    child.once('exit', (code, signal) => reject(new Error(`the owner ended: ${code ?? signal}`)))
    child.stdout.once('data', () => resolve(child))
  })
}

const openWrite = (): Promise<Backend> =>
  jsonBackend({ path }).open({ access: 'write', waitLockMs: 0 })

async function refused(pid: number | undefined): Promise<void> {
  await expect(openWrite()).rejects.toMatchObject({ code: 'store_locked', details: { path, pid } })
}

async function readsBeside(): Promise<void> {
  const reader = await jsonBackend({ path }).open({ access: 'read' })
  const scan = await reader.scan()
  expect(scan.anomalies).toEqual([])
  expect(scan.notices.map(({ code }) => code)).toContain('owner_alive')
  const seqs: number[] = []
  for await (const { seq } of reader.read()) seqs.push(seq)
  expect(seqs).toEqual([1])
  await reader.close()
}

test('a second owner is refused and told of the first; reading and scanning work beside it', async () => {
  const owner = await startOwner()
  await refused(owner.pid)
  await readsBeside()
  const reader = await jsonBackend({ path }).open({ access: 'read' })
  expect((await reader.describe()).owner?.pid).toBe(owner.pid)
  await reader.close()
  owner.stdin.end()
  await gone(owner)
  const store = await openWrite()
  expect((await store.describe()).clean).toBe(true)
  await store.close()
})

test('after SIGKILL the store is free at once, and nothing is unproven', async () => {
  const owner = await startOwner()
  owner.kill('SIGKILL')
  await gone(owner)
  const store = await openWrite()
  const scan = await store.scan()
  expect(scan.clean).toBe(true)
  expect(scan.unproven).toBeNull()
  expect((await store.describe()).clean).toBe(false)
  await store.close()
})

test('a stopped owner keeps its store', async () => {
  const owner = await startOwner()
  owner.kill('SIGSTOP')
  for (let i = 0; i < 5; i++) await refused(owner.pid)
  await readsBeside()
  owner.kill('SIGCONT')
  owner.stdin.end()
  await gone(owner)
  await (await openWrite()).close()
})

test('removing the lock file does not make a second owner', async () => {
  const owner = await startOwner()
  await unlink(`${path}.lock`)
  await expect(openWrite()).rejects.toMatchObject({ code: 'store_locked' })
  owner.kill('SIGKILL')
  await gone(owner)
  await (await openWrite()).close()
})

test('two in one process: the second is refused', async () => {
  const first = await jsonBackend({ path }).open({ access: 'write', create: 'if-missing' })
  await refused(process.pid)
  await first.close()
  await (await openWrite()).close()
})
