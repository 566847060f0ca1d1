import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jsonBackend } from '@papyra/backend-json'
import { rotationBackend } from '@papyra/backend-rotation'
import type { BackendDefinition } from '@papyra/contracts'
import {
  LOG_EVENTS,
  openPapyra,
  type LogEventName,
  type OpenPapyraOptions,
  type Papyra,
} from '@papyra/core'
import { nodeVfs, type Vfs } from '@papyra/filelog'
import { pino } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { faultyVfs, type Fault } from './fixtures/faulty-vfs.js'
import { damage as damageRecord, makeLog } from './fixtures/logs.js'
import { World } from './fixtures/world.js'

const SECRET = 'hunter2-of-the-customer'
const BACKENDS = {
  json: { log: 'shop.ndjson', of: (path: string, vfs: Vfs) => jsonBackend({ path, vfs }) },
  rotation: { log: 'shop', of: (dir: string, vfs: Vfs) => rotationBackend({ dir, vfs }) },
} as const

/** Lines as a real pino writes them. */
class Lines {
  readonly all: Record<string, unknown>[] = []
  text = ''
  readonly logger: NonNullable<OpenPapyraOptions['logger']> = pino(
    { base: null },
    {
      write: (line: string) => {
        this.text += line
        this.all.push(JSON.parse(line) as Record<string, unknown>)
      },
    },
  )

  /** The events since the last call. */
  take(): string[] {
    const from = this.#taken
    this.#taken = this.all.length
    return this.all.slice(from).map(({ event }) => String(event).replace('papyra.', ''))
  }

  #taken = 0
}

const secret = (papyra: Papyra, n: number): Promise<unknown> =>
  papyra.recordEvent({ type: 'paid', actor: `shop://${SECRET}`, payload: { card: SECRET, n } })

async function life(
  lines: Lines,
  backend: BackendDefinition,
  use: (papyra: Papyra) => Promise<unknown>,
  more: Partial<OpenPapyraOptions> = {},
): Promise<void> {
  const { logger } = lines
  const common = { systemId: 'shop', backend, logger, environment: 'test' } as const
  const papyra = await openPapyra({ ...common, create: 'if-missing', ...more })
  try {
    await use(papyra)
  } finally {
    await papyra.close().catch(() => undefined)
  }
}

/** Flips a bit of a payload in the middle of the log. */
function damage(path: string): void {
  const segment = (): string => readdirSync(path).find((name) => name.endsWith('.ndjson')) ?? ''
  const file = path.endsWith('.ndjson') ? path : join(path, segment())
  const bytes = readFileSync(file)
  const at = bytes.lastIndexOf(SECRET, bytes.indexOf('"n":3'))
  bytes[at] = (bytes[at] ?? 0) ^ 0x04
  writeFileSync(file, bytes)
}

/** The files of a world as they are at this moment, for others to work on. */
function copy(world: World, name: string): string {
  const to = `${world.dir}.${name}`
  cpSync(world.dir, to, { recursive: true, filter: (one) => !one.endsWith('.sock') })
  onTestFinished(() => rmSync(to, { recursive: true, force: true }))
  return to
}

describe.each(Object.entries(BACKENDS))('%s', (_name, { log, of }) => {
  test('each act of a life is one line, with the fields that are documented and no payload', async () => {
    const world = new World()
    const lines = new Lines()
    const disk = faultyVfs(nodeVfs)
    const backend = of(world.path(log), disk.vfs)

    const killed = await ordinary(lines, backend, { world, log })
    const damaged = join(copy(world, 'damaged'), log)
    await failing(lines, backend, disk)

    await life(lines, of(join(killed, log), nodeVfs), (papyra) => secret(papyra, 1))
    expect(lines.take()).toEqual(['scan.clean', 'gate.passed', 'owner.killed', 'store.closed'])

    damage(damaged)
    await mending(lines, of(damaged, nodeVfs))

    expect(lines.text).not.toContain(SECRET)
    expect([...new Set(lines.all.map(({ event }) => event))].sort()).toEqual(
      // What a file store does not do in a test of seconds is in the test of core.
      Object.keys(LOG_EVENTS)
        .filter((name) => !/\.(close|open)_failed$/.test(name))
        .sort(),
    )
    for (const {
      level,
      time,
      msg,
      event,
      systemId,
      backend: name,
      location,
      ...own
    } of lines.all) {
      const { message, fields } = LOG_EVENTS[event as LogEventName]
      expect({ msg, systemId, own: Object.keys(own).sort() }).toEqual({
        ...{ msg: message, systemId: 'shop', own: Object.keys(fields).sort() },
      })
      expect([typeof level, typeof time, typeof name, typeof location]).toEqual([
        ...['number', 'number', 'string', 'string'],
      ])
    }
  })
})

/** Has the command ask the living owner for what it logs as its own. */
async function asked(world: World, papyra: Papyra, log: string): Promise<void> {
  await secret(papyra, 7)
  const path = ['--path', world.path(log)]
  const scan = await world.run('persistence', 'scan', '--via-owner', ...path)
  expect(scan.code, scan.stderr).toBe(0)
  const compact = await world.run('persistence', 'compact', ...path)
  expect(compact.code, compact.stderr).toBe(0)
}

/** A life in which nothing goes wrong with the store; gives its files as a kill would leave them. */
async function ordinary(
  lines: Lines,
  backend: BackendDefinition,
  { world, log }: { readonly world: World; readonly log: string },
): Promise<string> {
  let killed = ''
  const use = async (papyra: Papyra): Promise<void> => {
    expect(lines.take()).toEqual(['scan.clean', 'gate.passed'])
    for (let n = 0; n < 6; n++) await secret(papyra, n)
    await papyra.scan()
    await papyra.compact({ dryRun: true })
    await papyra.compact()
    expect(lines.take()).toEqual(['scan.clean', 'compaction.completed'])
    await asked(world, papyra, log)
    expect(lines.take()).toEqual(['scan.clean', 'compaction.completed'])
    const signal = AbortSignal.abort(new Error(SECRET))
    await papyra.scan({ signal }).catch(() => undefined)
    await papyra.compact({ plan: SECRET }).catch(() => undefined)
    expect(lines.take()).toEqual(['scan.failed', 'compaction.failed'])
    for (let n = 0; n < 3; n++) papyra.intake.event({ type: '', actor: SECRET, payload: SECRET })
    expect(lines.take()).toEqual(['facts.dropped'])
    killed = copy(world, 'killed')
  }
  await life(lines, backend, use, { retention: { maxRecords: 4 } })
  const dropped = lines.all.slice(-2)
  expect(lines.take()).toEqual(['facts.dropped', 'store.closed'])
  expect(dropped).toMatchObject([{ reason: 'invalid', facts: 2 }, { factsDropped: 3 }])
  return killed
}

/** A life in which the disk is full for a while, and then broken. */
async function failing(
  lines: Lines,
  backend: BackendDefinition,
  disk: { fault: Fault },
): Promise<void> {
  const tried = (papyra: Papyra): Promise<unknown> => secret(papyra, 1).catch(() => undefined)
  await life(lines, backend, async (papyra) => {
    lines.take()
    disk.fault = 'full'
    await tried(papyra)
    await tried(papyra)
    disk.fault = 'none'
    await tried(papyra)
    expect(lines.take()).toEqual(['write.failing', 'write.recovered'])
    disk.fault = 'broken'
    await tried(papyra)
    await tried(papyra)
    expect(lines.take()).toEqual(['writer.latched'])
  })
  disk.fault = 'none'
  expect(lines.take()).toEqual(['store.closed'])
}

/** What starts on a damaged store tell, until one of them recovers it. */
async function mending(lines: Lines, backend: BackendDefinition): Promise<void> {
  const start = async (startup: OpenPapyraOptions['startup'] = {}): Promise<string[]> => {
    await life(lines, backend, async () => undefined, { startup }).catch(() => undefined)
    return lines.take()
  }
  const found = 'scan.anomalies_found'
  expect(await start()).toEqual([found, 'gate.refused'])
  expect(await start({ mode: 'scan_only' })).toEqual([found, 'gate.passed', 'store.closed'])
  expect(await start({ mode: 'recover' })).toEqual([found, 'recovery.failed', 'gate.refused'])
  expect(await start({ mode: 'recover', acceptLoss: true })).toEqual([
    ...[found, 'recovery.completed', 'records.lost', 'scan.clean', 'gate.passed', 'store.closed'],
  ])
}

test('commands write such lines to standard error where they are asked to', async () => {
  const world = new World()
  const path = await makeLog(world, 20)
  const run = async (...words: string[]): Promise<Record<string, unknown>[]> => {
    const { stderr } = await world.run('persistence', ...words, '--path', path, '--log-events')
    const json = stderr.split('\n').filter((line) => line.startsWith('{'))
    return json.map((line) => JSON.parse(line) as Record<string, unknown>)
  }
  const about = { backend: 'json', location: path, time: expect.any(Number) }
  expect(await run('scan')).toMatchObject([{ level: 'info', event: 'papyra.scan.clean', ...about }])
  damageRecord(path, 7)
  expect(await run('startup-check')).toMatchObject([
    { event: 'papyra.scan.anomalies_found', anomalyCounts: { corrupt_record: 1 }, ...about },
    { level: 'error', event: 'papyra.gate.refused', code: 'startup_refused', ...about },
  ])
  expect(await run('recover', '--yes', '--accept-loss')).toMatchObject([
    { level: 'warn', event: 'papyra.recovery.completed', changed: true, ...about },
    { event: 'papyra.records.lost', code: 'corrupt_record', records: 1, fromSeq: 7, toSeq: 7 },
  ])
  expect(await run('compact', '--yes', '--max-records', '5')).toMatchObject([
    { event: 'papyra.compaction.completed', recordsRemoved: 14, ...about },
  ])
  const { stderr } = await world.run('persistence', 'scan', '--path', path)
  expect(stderr).not.toContain('{')
})
