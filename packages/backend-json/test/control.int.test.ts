import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { bundleForNode } from '@papyra/build-config/bundle'
import { type Backend, isPapyraError, type OwnerClient } from '@papyra/contracts'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { jsonBackend } from '../src/index.js'

type Child = ChildProcessByStdio<Writable, Readable, null>

let bundle: string
let dir: string
let path: string
const children: Child[] = []
const stores: Backend[] = []

beforeAll(async () => {
  bundle = await bundleForNode(new URL('./fixtures/control-child.ts', import.meta.url))
})
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pj-'))
  path = join(dir, 'shop.ndjson')
})
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  for (const child of children.splice(0)) {
    child.kill('SIGKILL')
    await gone(child)
  }
  await rm(dir, { recursive: true, force: true })
})

async function gone(child: Child): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    await new Promise((resolve) => child.once('exit', resolve))
  }
  return child.exitCode
}

interface Owner {
  readonly child: Child
  readonly pid: number
  tell(line: string): Promise<{ readonly last: number }>
}

async function startOwner(how: 'begin' | 'hold' = 'begin'): Promise<Owner> {
  const child = spawn(process.execPath, [bundle, path, how], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<Record<string, number>> => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error('the owner ended without a word')
    return JSON.parse(value) as Record<string, number>
  }
  const { ready = 0 } = await next()
  const tell = async (line: string): Promise<{ last: number }> => {
    child.stdin.write(`${line}\n`)
    return { last: (await next())['last'] ?? 0 }
  }
  return { child, pid: ready, tell }
}

async function reader(): Promise<Backend> {
  const store = await jsonBackend({ path }).open({ access: 'read' })
  stores.push(store)
  return store
}

async function client(): Promise<OwnerClient> {
  const found = await (await reader()).owner?.()
  if (found === null || found === undefined) throw new Error('nobody holds the store')
  return found
}

async function seqs(store: Backend): Promise<number[]> {
  const all: number[] = []
  for await (const { seq } of store.read()) all.push(seq)
  return all
}

const upTo = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)

test('another process is told who, how much, and flushes and scans through the owner', async () => {
  const owner = await startOwner()
  await owner.tell('append 5')
  const other = await client()
  expect(await other.who()).toMatchObject({ pid: owner.pid, host: hostname() })
  await other.flush()
  const { totals } = await other.metrics()
  expect(totals).toMatchObject({ recordsWritten: 5, recordsStored: 5 })
  const report = await other.scan({ coverage: 'full' })
  expect(report).toMatchObject({ clean: true, records: 5, location: path })
  expect((await other.metrics()).totals.scans).toBe(totals.scans + 1)
  expect(lstatSync(`${path}.sock`).mode & 0o777).toBe(0o600)
})

test('the owner compacts on request while it appends; nothing that the policy keeps is missing', async () => {
  const owner = await startOwner()
  await owner.tell('append 2000')
  await owner.tell('write')
  const other = await client()
  const plan = await other.compact({ policy: { maxRecords: 100 }, dryRun: true })
  expect(plan.dryRun).toBe(true)
  const phases = new Set<string>()
  for (let round = 0; round < 5; round++) {
    const report = await other.compact({
      policy: { maxRecords: 100 },
      onProgress: ({ phase }) => phases.add(phase),
    })
    expect(report).toMatchObject({ backend: 'json', location: path, verified: true })
    // What was appended meanwhile stays as well.
    expect(report.records.after).toBeGreaterThanOrEqual(100)
  }
  const { last } = await owner.tell('stop')
  const store = await reader()
  const kept = await seqs(store)
  expect(kept).toEqual(upTo(kept[0] ?? 0, last))
  expect(kept.length).toBeGreaterThanOrEqual(100)
  expect((await store.scan()).anomalies).toEqual([])
  const { history } = await store.describe()
  expect(history.filter(({ what }) => what === 'compaction').length).toBeGreaterThan(0)
})

test('two that ask at once are both served, one after the other', async () => {
  const owner = await startOwner()
  await owner.tell('append 500')
  const [a, b] = [await client(), await client()]
  const reports = await Promise.all([
    a.compact({ policy: { maxRecords: 10 } }),
    b.compact({ policy: { maxRecords: 10 } }),
  ])
  expect(reports.map(({ records }) => records.after)).toEqual([10, 10])
  expect(reports.map(({ changed }) => changed).sort()).toEqual([false, true])
  expect(await seqs(await reader())).toEqual(upTo(491, 500))
})

test('a refusal arrives as it would be thrown here', async () => {
  const owner = await startOwner()
  await owner.tell('append 5')
  const other = await client()
  const there = other.compact({ policy: { maxRecords: 0 } })
  await expect(there).rejects.toMatchObject({ code: 'invalid_policy' })
  const error = await there.catch((thrown: unknown) => thrown)
  expect(isPapyraError(error)).toBe(true)
  await expect(other.compact({})).rejects.toMatchObject({
    code: expect.stringMatching(/^invalid_/),
  })
})

/** Slow enough to be met in the midst of the copy, which comes after the plan and its reading. */
const SLOWLY = 60_000

/** Starts a compaction that takes its time, and resolves when the owner is in the midst of it. */
async function slowCompaction(
  other: OwnerClient,
  signal?: AbortSignal,
): Promise<Promise<unknown>[]> {
  const policy = { maxRecords: 1999 }
  const run = other.compact({ policy, bytesPerSecond: SLOWLY, ...(signal && { signal }) })
  run.catch(() => undefined)
  await until(() => temporary().length > 0)
  return [run]
}

const temporary = (): string[] => readdirSync(dir).filter((name) => name.endsWith('.tmp'))

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('aborting stops the owner’s compaction; the store is as before, and the next one works', async () => {
  const owner = await startOwner()
  await owner.tell('append 2000')
  const other = await client()
  const controller = new AbortController()
  const [run] = await slowCompaction(other, controller.signal)
  controller.abort()
  await expect(run).rejects.toMatchObject({ code: 'aborted' })
  const early = other.compact({ policy: { maxRecords: 1 }, signal: AbortSignal.abort() })
  await expect(early).rejects.toMatchObject({ code: 'aborted' })
  expect(await seqs(await reader())).toEqual(upTo(1, 2000))
  expect((await other.compact({ policy: { maxRecords: 7 } })).records.after).toBe(7)
  expect(temporary()).toEqual([])
  expect((await (await reader()).scan()).clean).toBe(true)
})

test('while a long compaction runs the owner appends, and everything short is answered', async () => {
  const owner = await startOwner()
  await owner.tell('append 2000')
  const [run] = await slowCompaction(await client())
  expect(await owner.tell('append 1')).toEqual({ last: 2001 })
  const other = await client()
  expect(await other.who()).toMatchObject({ pid: owner.pid })
  await other.flush()
  expect((await other.metrics()).totals).toMatchObject({ recordsStored: 2001, compactions: 0 })
  await owner.tell('close')
  await expect(run).rejects.toMatchObject({ code: 'backend_unreachable' })
  expect(temporary()).toEqual([])
  expect(await seqs(await reader())).toEqual(upTo(1, 2001))
})

test('a client that is killed stops what it asked for', async () => {
  const owner = await startOwner()
  await owner.tell('append 2000')
  // A plain connection, as any program has it.
  const socket = connect(`${path}.sock`)
  const options = { policy: { maxRecords: 1999 }, bytesPerSecond: SLOWLY }
  socket.write(`${JSON.stringify({ id: 1, op: 'compact', options })}\n`)
  await until(() => temporary().length > 0)
  socket.destroy()
  await until(() => temporary().length === 0)
  expect(await seqs(await reader())).toEqual(upTo(1, 2000))
})

test('an owner that is killed while it works: whoever asked is told, and nothing is lost', async () => {
  const owner = await startOwner()
  await owner.tell('append 2000')
  const [run] = await slowCompaction(await client())
  owner.child.kill('SIGKILL')
  await expect(run).rejects.toMatchObject({
    code: 'backend_unreachable',
    details: { pid: owner.pid },
  })
  const store = await reader()
  expect((await store.scan()).anomalies).toEqual([])
  expect(await seqs(store)).toEqual(upTo(1, 2000))
})

test('after SIGKILL the next owner listens again, and nobody is asked in between', async () => {
  const first = await startOwner()
  await first.tell('append 3')
  const before = await client()
  first.child.kill('SIGKILL')
  await gone(first.child)
  expect(readdirSync(dir)).toContain('shop.ndjson.sock')
  expect(await (await reader()).owner?.()).toBeNull()
  await expect(before.who()).rejects.toMatchObject({ code: 'store_locked' })
  const second = await startOwner()
  expect(await (await client()).who()).toMatchObject({ pid: second.pid })
  // A client of the first owner does not take the second one for it.
  await expect(before.who()).rejects.toMatchObject({ code: 'store_locked' })
})

test('a stopped owner does not answer, and the refusal names it', async () => {
  const owner = await startOwner()
  owner.child.kill('SIGSTOP')
  const store = await reader()
  await expect(store.owner?.()).rejects.toMatchObject({
    code: 'store_locked',
    details: { path, pid: owner.pid, host: hostname(), reason: 'timeout' },
  })
  owner.child.kill('SIGCONT')
  expect(await (await client()).who()).toMatchObject({ pid: owner.pid })
})

test('a path that is too long for a socket is served all the same', async () => {
  const folder = join(dir, 'f'.repeat(120))
  mkdirSync(folder)
  path = join(folder, 'shop.ndjson')
  const owner = await startOwner()
  expect(await (await client()).who()).toMatchObject({ pid: owner.pid })
  expect(readdirSync(folder).filter((name) => name.includes('.sock'))).toEqual([])
  const facts = JSON.parse(readFileSync(`${path}.lock`, 'utf8')) as { socket: string }
  expect(lstatSync(facts.socket).mode & 0o777).toBe(0o600)
  owner.child.kill('SIGKILL')
  await gone(owner.child)
  // The next owner clears away what this one left.
  const next = await startOwner()
  expect(await (await client()).who()).toMatchObject({ pid: next.pid })
  await next.tell('close')
  expect(() => lstatSync(facts.socket)).toThrow('ENOENT')
})

test('an owner whose lock file was deleted is found by the socket’s place', async () => {
  const owner = await startOwner()
  await rm(`${path}.lock`)
  expect(await (await client()).who()).toMatchObject({ pid: owner.pid })
})

test('an owner that closes takes its socket away', async () => {
  const owner = await startOwner()
  await client()
  await owner.tell('close')
  expect(readdirSync(dir).sort()).toEqual(
    ['shop.ndjson', 'shop.ndjson.lock', 'shop.ndjson.mark', 'shop.ndjson.meta.json'].sort(),
  )
  expect(await (await reader()).owner?.()).toBeNull()
})

test('the socket keeps no process alive', async () => {
  const owner = await startOwner()
  await client()
  await owner.tell('append 1')
  owner.child.stdin.write('idle\n')
  expect(await gone(owner.child)).toBe(0)
})

test('where no socket can be made the store works, and the refusal says why', async () => {
  writeFileSync(`${path}.sock`, 'not a socket')
  const tmp = process.env['TMPDIR']
  process.env['TMPDIR'] = join(dir, 'missing')
  try {
    const owner = await startOwner()
    expect(await owner.tell('append 3')).toEqual({ last: 3 })
    await expect((await reader()).owner?.()).rejects.toMatchObject({
      code: 'store_locked',
      details: { reason: 'no_socket' },
      message: expect.stringContaining('ENOENT'),
    })
    expect(readFileSync(`${path}.sock`, 'utf8')).toBe('not a socket')
  } finally {
    if (tmp === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = tmp
  }
})

test('an owner that has not begun, as during a recovery, does not listen', async () => {
  const owner = await startOwner('hold')
  await expect((await reader()).owner?.()).rejects.toMatchObject({
    code: 'store_locked',
    details: { pid: owner.pid, reason: 'not_yet' },
  })
})

test('this very process is nobody to ask', async () => {
  const store = await jsonBackend({ path }).open({ access: 'write', create: 'if-missing' })
  stores.push(store)
  expect(await store.owner?.()).toBeNull()
  await store.begin()
  await store.begin()
  expect(await store.owner?.()).toBeNull()
  expect(await (await reader()).owner?.()).toBeNull()
  await store.close()
  await expect(store.owner?.()).rejects.toMatchObject({ code: 'closed' })
})
