import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { bundleForNode } from '@papyra/build-config/bundle'
import { isPapyraError, systemClock } from '@papyra/contracts'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kernelLock } from '../../src/write/kernel-lock.js'
import { acquireLock } from '../../src/write/lock.js'
import { probeOwner } from '../../src/write/probe-owner.js'
import { nodeVfs } from '../../src/write/node-vfs.js'

interface Said {
  readonly owner?: boolean
  readonly pid?: number
  readonly child?: number
  readonly code?: string
  readonly details?: { readonly pid?: number; readonly host?: string; readonly since?: number }
  readonly released?: boolean
}

interface Owner {
  readonly process: ChildProcess
  next(): Promise<Said>
}

let program: string
let dir: string
let log: string
const started: ChildProcess[] = []

beforeAll(async () => {
  program = await bundleForNode(new URL('../fixtures/lock-owner.ts', import.meta.url))
})
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'papyra-lock-'))
  log = join(dir, 'shop.ndjson')
  writeFileSync(log, 'log\n')
})
afterEach(async () => {
  for (const child of started.splice(0)) await end(child)
  rmSync(dir, { recursive: true, force: true })
})

function start(waitMs: number = 0, ...more: string[]): Owner {
  const child = spawn(process.execPath, [program, log, String(waitMs), ...more], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  started.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<Said> => {
    const { value } = (await lines.next()) as { value: string | undefined }
    if (value === undefined) throw new Error('the process ended without a word')
    return JSON.parse(value) as Said
  }
  return { process: child, next }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

const tryHere = async (): Promise<string> => {
  try {
    const lock = await acquireLock(nodeVfs, log, { waitMs: 0, clock: systemClock })
    const file = await nodeVfs.open(log, 'read-write')
    try {
      await lock.lockLog(file)
      return 'free'
    } finally {
      await file.close()
      await lock.release()
    }
  } catch (error) {
    return isPapyraError(error) ? error.code : String(error)
  }
}

describe('ownership between processes', () => {
  it('is refused to a second one, which learns who the first is', async () => {
    const before = Date.now()
    const first = start()
    const { pid } = await first.next()
    expect(pid).toBe(first.process.pid)
    const second = await start().next()
    expect(second).toMatchObject({ owner: false, code: 'store_locked' })
    expect(second.details).toMatchObject({ pid, host: hostname(), path: log })
    expect(second.details?.since).toBeGreaterThanOrEqual(before)
    const error = await acquireLock(nodeVfs, log, { waitMs: 0, clock: systemClock }).then(
      () => null,
      (e: Error) => e,
    )
    expect(error?.message).toContain(`process ${pid} on ${hostname()}, since 2`)
    expect(await probeOwner(nodeVfs, log)).toMatchObject({ pid, host: hostname() })
  })

  it('is free at once when the owner is killed, or has released it', async () => {
    const first = start()
    expect(await first.next()).toMatchObject({ owner: true })
    await end(first.process)
    expect(await probeOwner(nodeVfs, log)).toBeNull()
    const second = start()
    expect(await second.next()).toMatchObject({ owner: true })
    second.process.stdin?.write('release\n')
    expect(await second.next()).toEqual({ released: true })
    expect(await tryHere()).toBe('free')
  })

  it('is kept by an owner that is stopped', async () => {
    const first = start()
    await first.next()
    first.process.kill('SIGSTOP')
    expect(await tryHere()).toBe('store_locked')
    expect(await start(300).next()).toMatchObject({ owner: false, code: 'store_locked' })
    first.process.kill('SIGCONT')
    expect(await tryHere()).toBe('store_locked')
  })

  it('does not pass to a child that outlives the owner', async () => {
    const first = start(0, 'child')
    const { child } = await first.next()
    expect(child).toBeGreaterThan(0)
    try {
      await end(first.process)
      process.kill(child as number, 0)
      expect(await tryHere()).toBe('free')
    } finally {
      process.kill(child as number, 'SIGKILL')
    }
  })

  it('holds when somebody deletes the lock file', async () => {
    const first = start()
    await first.next()
    unlinkSync(`${log}.lock`)
    expect(await tryHere()).toBe('store_locked')
    expect(await start().next()).toMatchObject({ owner: false, code: 'store_locked' })
    expect(await probeOwner(nodeVfs, log)).not.toBeNull()
    unlinkSync(`${log}.lock`)
    expect(await probeOwner(nodeVfs, log)).toEqual({ pid: null, host: null, since: null })
  })

  it('goes to one who waits when the owner is gone', async () => {
    const first = start()
    await first.next()
    const second = start(60_000)
    const said = second.next()
    await new Promise((resolve) => setTimeout(resolve, 200))
    await end(first.process)
    expect(await said).toMatchObject({ owner: true, pid: second.process.pid })
  })

  it('goes to exactly one of eight who come at once', async () => {
    for (let round = 0; round < 3; round++) {
      const eight = Array.from({ length: 8 }, () => start())
      const said = await Promise.all(eight.map((one) => one.next()))
      expect(said.filter(({ owner }) => owner === true)).toHaveLength(1)
      expect(said.filter(({ code }) => code === 'store_locked')).toHaveLength(7)
      await Promise.all(eight.map((one) => end(one.process)))
      unlinkSync(`${log}.lock`)
    }
  })
})

describe('flock', () => {
  const commands = { none: [['no-such-command-1']], second: [['no-such-command-1'], ['flock']] }

  it('is refused with a code where there is no such command', () => {
    const fd = openSync(log, 'r')
    const take = (): boolean => kernelLock(fd, log, false, commands.none)
    expect(take).toThrow(expect.objectContaining({ code: 'lock_unavailable' }))
    expect(take).toThrow(/flock/)
  })

  it('takes the next command where the first is missing', () => {
    const [one, two] = [openSync(log, 'r'), openSync(log, 'r')]
    expect(kernelLock(one, log, false, commands.second)).toBe(true)
    expect(kernelLock(two, log, false, commands.second)).toBe(false)
  })

  it('says so when the command fails for another reason', () => {
    const fd = openSync(log, 'r')
    const odd = [['sh', '-c', 'echo no locks here >&2; exit 1', 'sh']]
    expect(() => kernelLock(fd, log, false, odd)).toThrow(/no locks here/)
  })
})
