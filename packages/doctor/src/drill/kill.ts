import { spawn } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { BackendDefinition, ScratchStore } from '@papyra/contracts'
import { randomFrom } from '../scratch/random.js'
import { killServer, RESTART } from './kill-server.js'
import { compareRecords, numbersText, readRecords, type Records } from './records.js'
import { Findings } from './result.js'
import type { Drill, DrillWork, PapyraProcess } from './types.js'

/** How long to wait at most before the kill, in ms: less, if the compaction had ended before. */
const PATIENCE_MS = [400, 100, 20, 1]
/** The same where the server is killed, of a compaction that nobody slows down. */
const SERVER_PATIENCE_MS = [50, 10, 4, 1]
/** So slow that a process is killed in the middle: a store of this size takes two seconds. */
const SECONDS = 2

/** Kills the process that compacts, or its server, in the middle, and holds what is left against the policy. */
export const killDrill: Drill = async (work) => {
  const findings = new Findings('kill-during-compaction')
  let killed = 0
  for (let round = 0; round < work.rounds; round++) {
    for (let tries = 0; tries < PATIENCE_MS.length; tries++) {
      const scratch = await work.copy()
      try {
        findings.made = scratch.made
        const command = work.command?.(scratch.definition) ?? null
        if (command === null && !scratch.damages.includes(RESTART)) {
          return findings.without('unknown', 'There is no command to start and to kill.')
        }
        const random = randomFrom(work.seed + round)
        const patience = command === null ? SERVER_PATIENCE_MS : PATIENCE_MS
        const after = random(patience[tries] ?? 0)
        if (!(await killOnce(findings, scratch, { work, command, after }))) continue
        killed += 1
        break
      } finally {
        await scratch.dispose()
      }
    }
  }
  if (killed === 0) {
    return findings.without('unknown', 'Each compaction had ended before it could be killed.')
  }
  return findings.result()
}

interface Round {
  readonly work: DrillWork
  /** `null`: the server is killed instead. */
  readonly command: PapyraProcess | null
  /** ms after the first trace of its work; on a server after its beginning. */
  readonly after: number
}

async function killOnce(
  findings: Findings,
  scratch: ScratchStore,
  { work, command, after }: Round,
): Promise<boolean> {
  const { definition } = scratch
  const before = await readRecords(definition)
  // One more than half, so that a segment is rewritten whose records are not all of one fate.
  const keep = Math.max(1, (before.size >> 1) + 1)
  const wanted = [...before.keys()].slice(-keep)
  const killed =
    command === null
      ? await killServer(findings, scratch, { keep, after })
      : await killProcess(findings, { command, definition, keep, after })
  if (!killed) return false
  const started = work.clock.monotonic()
  await lookAfterKill(findings, definition, { before, wanted })
  const backend = await definition.open({ access: 'write', waitLockMs: 5000 })
  try {
    await backend.compact({ policy: { maxRecords: keep } })
    const scan = await backend.scan()
    const codes = Object.keys(scan.anomalyCounts).join(', ')
    findings.expect('a compaction afterwards verifies', scan.clean, codes || 'clean')
  } finally {
    await backend.close()
  }
  findings.took(work.clock.monotonic() - started)
  const left = await readRecords(definition)
  const exact = left.size === wanted.length && wanted.every((seq) => left.has(seq))
  const said = `${left.size} of ${wanted.length} records`
  findings.expect('and leaves just what the policy keeps', exact, said)
  findings.before += before.size
  findings.kept += left.size
  return true
}

async function lookAfterKill(
  findings: Findings,
  definition: BackendDefinition,
  { before, wanted }: { readonly before: Records; readonly wanted: readonly number[] },
): Promise<void> {
  const reader = await definition.open({ access: 'read' })
  const scan = await reader.scan().finally(() => reader.close())
  const codes = Object.keys(scan.anomalyCounts)
  findings.met([...codes, ...scan.notices.map(({ code }) => code)])
  findings.expect('a scan is clean after the kill', scan.clean, codes.join(', ') || 'clean')
  const left = await readRecords(definition)
  const missing = wanted.filter((seq) => !left.has(seq))
  const { changed } = compareRecords(before, left)
  findings.expect(
    'nothing that the policy keeps is gone',
    missing.length === 0,
    numbersText(missing),
  )
  findings.expect('what is there is as it was', changed.length === 0, numbersText(changed))
}

interface Killing {
  readonly command: PapyraProcess
  readonly definition: BackendDefinition
  readonly keep: number
  /** ms after the first trace of its work. */
  readonly after: number
}

/** False if the process had ended by itself. */
async function killProcess(
  findings: Findings,
  { command, definition, keep, after }: Killing,
): Promise<boolean> {
  const throttle = String(Math.max(1024, Math.ceil((await sizeOf(definition)) / SECONDS)))
  const words = ['persistence', 'compact', '--max-records', String(keep), '--throttle', throttle]
  const argv = [...command.first, ...words, ...command.last]
  const traces = await namesAt(definition)
  const child = spawn(command.file, argv, { stdio: 'ignore', env: environment() })
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once('error', () => resolve(null))
    child.once('exit', (_code, signal) => resolve(signal))
  })
  let over = false
  void ended.then(() => (over = true))
  while (!over && (await sameNames(definition, traces))) await sleep(5)
  await Promise.race([sleep(after), ended])
  const killed = child.kill('SIGKILL')
  if (!killed || (await ended) !== 'SIGKILL') return false
  findings.did(`\`papyra ${words.join(' ')}\` was killed ${after} ms after its first trace`)
  return true
}

/** What configures the command by the environment is meant for the original. */
const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PAPYRA_')))

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The names beside or in a store; `null` where there are no files, and time alone has to do. */
async function namesAt({ location }: BackendDefinition): Promise<string | null> {
  const found = await stat(location).catch(() => null)
  if (found === null) return null
  const folder = found.isDirectory() ? location : dirname(location)
  const names = await readdir(folder)
  return names.filter((name) => !/\.(?:lock|sock)$/.test(name)).join('\n')
}

async function sameNames(definition: BackendDefinition, traces: string | null): Promise<boolean> {
  return traces !== null && (await namesAt(definition)) === traces
}

async function sizeOf(definition: BackendDefinition): Promise<number> {
  const backend = await definition.open({ access: 'read' })
  return (await backend.describe().finally(() => backend.close())).bytes
}
