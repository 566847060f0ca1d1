import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtemp, rm, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { bundleForNode } from '@papyra/build-config/bundle'
import type { Backend } from '@papyra/contracts'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { rotationBackend } from '../src/index.js'

type Child = ChildProcessByStdio<Writable, Readable, null>

interface Contender {
  readonly child: Child
  /** `owner`, or the code with which it was refused. */
  readonly answer: string
}

let bundle: string
let root: string
let dir: string
const children: Child[] = []

beforeAll(async () => {
  bundle = await bundleForNode(new URL('./fixtures/owner-child.ts', import.meta.url))
})
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'papyra-owners-'))
  dir = join(root, 'shop')
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL')
    await gone(child)
  }
  await rm(root, { recursive: true, force: true })
})

function gone(child: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => child.once('exit', () => resolve()))
}

function contend(): Promise<Contender> {
  const child = spawn(process.execPath, [bundle, dir], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.stdout.once('data', (bytes: Buffer) => resolve({ child, answer: `${bytes}`.trim() }))
  })
}

const openWrite = (): Promise<Backend> =>
  rotationBackend({ dir }).open({ access: 'write', waitLockMs: 0 })

async function seqs(store: Backend): Promise<number[]> {
  const found: number[] = []
  for await (const { seq } of store.read()) found.push(seq)
  return found
}

test('of four processes one gets in, and the others are told who it is', async () => {
  const all = await Promise.all([contend(), contend(), contend(), contend()])
  const answers = all.map(({ answer }) => answer).sort()
  expect(answers).toEqual(['owner', 'store_locked', 'store_locked', 'store_locked'])
  const { pid } = all.find(({ answer }) => answer === 'owner')?.child ?? {}
  const details = { path: dir, pid }
  await expect(openWrite()).rejects.toMatchObject({ code: 'store_locked', details })
})

test('reading and scanning work beside the owner', async () => {
  await contend()
  const reader = await rotationBackend({ dir }).open({ access: 'read' })
  const scan = await reader.scan()
  expect(scan.anomalies).toEqual([])
  expect(scan.notices.map(({ code }) => code)).toContain('owner_alive')
  expect(await seqs(reader)).toEqual([1])
  await reader.close()
})

test('after SIGKILL the store is free at once, and nothing is unproven', async () => {
  for (let n = 1; n <= 3; n++) {
    const { child, answer } = await contend()
    expect(answer).toBe('owner')
    child.kill('SIGKILL')
    await gone(child)
  }
  const store = await openWrite()
  const scan = await store.scan()
  expect([scan.anomalies, scan.unproven]).toEqual([[], null])
  expect((await store.describe()).segments?.length).toBe(3)
  expect(await seqs(store)).toEqual([1, 2, 3])
  await store.close()
})

test('a stopped owner keeps its store', async () => {
  const { child } = await contend()
  child.kill('SIGSTOP')
  for (let i = 0; i < 3; i++)
    await expect(openWrite()).rejects.toMatchObject({ code: 'store_locked' })
  child.kill('SIGCONT')
  child.stdin.end()
  await gone(child)
  await (await openWrite()).close()
})

test('removing the lock file does not make a second owner', async () => {
  const { child } = await contend()
  await unlink(join(dir, 'store.lock'))
  await expect(openWrite()).rejects.toMatchObject({ code: 'store_locked' })
  child.kill('SIGKILL')
  await gone(child)
  await (await openWrite()).close()
})
