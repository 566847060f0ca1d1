import { spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleForNode } from '@papyra/build-config/bundle'
import type { Backend } from '@papyra/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jsonBackend } from '../src/index.js'

let child: string
let root: string

beforeAll(async () => {
  child = await bundleForNode(new URL('./fixtures/kill-child.ts', import.meta.url))
  root = await mkdtemp(join(tmpdir(), 'papyra-kill-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

interface Run {
  readonly acked: readonly number[]
  /** What it did, if it came to its end. */
  readonly ops: string | null
  readonly signal: string | null
}

function run(path: string, workload: string, op: number, half: boolean): Promise<Run> {
  return new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, [child, path, workload, String(op), String(half)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let err = ''
    process_.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()))
    process_.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()))
    process_.on('error', reject)
    process_.on('close', (code, signal) => {
      if (signal === null && code !== 0) return reject(new Error(`${workload} ${op}: ${err}`))
      const acked = [...out.matchAll(/^acked (\d+) (\d+)$/gm)].flatMap(([, first, last]) =>
        Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i),
      )
      resolve({ acked, ops: /^ops (.*)$/m.exec(out)?.[1] ?? null, signal })
    })
  })
}

async function seqs(store: Backend): Promise<number[]> {
  const all: number[] = []
  for await (const { seq } of store.read()) all.push(seq)
  return all
}

/** After a kill: nothing is wrong but a torn tail, all that was promised is there, and it goes on. */
async function survives(path: string, promised: readonly number[], lossAllowed = 0): Promise<void> {
  const definition = jsonBackend({ path })
  const store = await definition.open({ access: 'write', create: 'if-missing' })
  try {
    const scan = await store.scan()
    expect(scan.unproven).toBeNull()
    const report = await store.recover({ mode: 'repair', acceptLoss: lossAllowed > 0 })
    expect(report.after?.anomalies).toEqual([])
    expect(report.losses.length).toBeLessThanOrEqual(lossAllowed)
    expect((await store.recover({ mode: 'repair' })).changed).toBe(false)
    const there = new Set(await seqs(store))
    expect(promised.filter((seq) => !there.has(seq))).toEqual([])
    const { nextSeq } = await store.begin()
    expect(nextSeq).toBeGreaterThan(Math.max(0, ...promised))
    const members = '"system_id":"s","actor_address":null,"event_type":"t","payload":{}'
    await store.append([{ kind: 'event', timestamp: Date.now(), members }])
  } finally {
    await store.close()
  }
  const reader = await definition.open({ access: 'read' })
  expect((await reader.scan()).anomalies).toEqual([])
  await reader.close()
}

interface Plan {
  readonly workload: string
  /** Puts the files to start from into a folder. */
  readonly prepare: (dir: string) => Promise<void>
  /** What must be there in the end, given what the killed process was promised. */
  readonly promised: (acked: readonly number[]) => readonly number[]
  readonly lossAllowed: number
}

async function copyInto(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const name of await readdir(from)) await copyFile(join(from, name), join(to, name))
}

/** Every moment of a workload: before each operation, and half-way through each write. */
function moments(ops: string): { op: number; half: boolean }[] {
  return [...ops].flatMap((name, op) =>
    name === 'w'
      ? [
          { op, half: false },
          { op, half: true },
        ]
      : [{ op, half: false }],
  )
}

async function killEverywhere(plan: Plan): Promise<number> {
  const { workload, prepare, promised, lossAllowed } = plan
  const first = join(root, `${workload}-whole`)
  await prepare(first)
  const whole = await run(join(first, 'shop.ndjson'), workload, -1, false)
  await survives(join(first, 'shop.ndjson'), promised(whole.acked), lossAllowed)
  const points = moments(whole.ops ?? '')
  let killed = 0
  const work = async (): Promise<void> => {
    for (let point = points.shift(); point !== undefined; point = points.shift()) {
      const dir = join(root, `${workload}-${point.op}-${point.half}`)
      await prepare(dir)
      const path = join(dir, 'shop.ndjson')
      // Appends beside a compaction do not always fall together alike: it may end before the moment.
      const { acked, signal } = await run(path, workload, point.op, point.half)
      if (signal === 'SIGKILL') killed++
      try {
        await survives(path, promised(acked), lossAllowed)
      } catch (error) {
        throw new Error(`${workload} killed at operation ${point.op}, half ${point.half}`, {
          cause: error,
        })
      }
      await rm(dir, { recursive: true })
    }
  }
  await Promise.all([work(), work()])
  return killed
}

/** What the workload `append` leaves in a store: forty calls of one and two records in turn. */
const RECORDS = 60

let total = 0

// Hundreds of processes, one after the other, on machines that do other things too.
const TIMEOUT = { timeout: 900_000 }

describe('SIGKILL before, half-way through and after every write and sync', TIMEOUT, () => {
  test('while a store is made, opened, appended to and closed', async () => {
    const killed = await killEverywhere({
      workload: 'append',
      prepare: (dir) => mkdir(dir, { recursive: true }).then(() => undefined),
      promised: (acked) => acked,
      lossAllowed: 0,
    })
    total += killed
    expect(killed).toBeGreaterThanOrEqual(190)
  })

  test('while it is compacted and appended to', async () => {
    const start = join(root, 'start-compact')
    await mkdir(start)
    await run(join(start, 'shop.ndjson'), 'append', -1, false)
    const killed = await killEverywhere({
      workload: 'compact',
      prepare: (dir) => copyInto(start, dir),
      // The policy keeps six, of which up to three may have been appended before it was applied.
      promised: (acked) => [RECORDS - 2, RECORDS - 1, RECORDS, ...acked],
      lossAllowed: 0,
    })
    total += killed
    expect(killed).toBeGreaterThanOrEqual(60)
  })

  test('while it is recovered', async () => {
    const start = join(root, 'start-recover')
    await mkdir(start)
    const log = join(start, 'shop.ndjson')
    await run(log, 'append', -1, false)
    const bytes = await readFile(log)
    const at = bytes.indexOf('{"seq":9,') + 30
    bytes[at] = (bytes[at] as number) ^ 4
    await writeFile(log, bytes)
    const killed = await killEverywhere({
      workload: 'recover',
      prepare: (dir) => copyInto(start, dir),
      promised: () => Array.from({ length: RECORDS }, (_, i) => i + 1).filter((seq) => seq !== 9),
      lossAllowed: 1,
    })
    total += killed
    expect(killed).toBeGreaterThanOrEqual(40)
  })

  test('was tried at three hundred moments', () => {
    expect(total).toBeGreaterThanOrEqual(300)
  })
})
