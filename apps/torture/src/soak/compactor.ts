import { spawn } from 'node:child_process'
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { isPapyraError } from '@papyra/contracts'
import { told } from '../child-process.js'
import { definitionOf, kindOf } from '../kinds.js'

/** What a loop of compactions came to. */
export interface Compacted {
  readonly runs: number
  /** Runs that removed something. */
  readonly changed: number
  /** What went wrong, by code, and how often. */
  readonly errors: Readonly<Record<string, number>>
}

interface Outcome {
  readonly changed: boolean
  readonly error: string | null
}

/** As any program may: the library asks the owner through its control socket. */
async function askOwner(kind: string | undefined, path: string, keep: number): Promise<Outcome> {
  const store = await definitionOf(kindOf(kind), path).open({ access: 'read' })
  try {
    const owner = (await store.owner?.()) ?? null
    if (owner === null) return { changed: false, error: 'nobody owns the store' }
    const { changed } = await owner.compact({ policy: { maxRecords: keep } })
    return { changed, error: null }
  } catch (error) {
    return { changed: false, error: isPapyraError(error) ? error.code : String(error) }
  } finally {
    await store.close()
  }
}

/** As an operator does: the command, a process for each run. */
function askWithCommand(papyra: string, path: string, keep: number): Promise<Outcome> {
  const args = ['persistence', 'compact', '--path', path, '--max-records', String(keep), '--json']
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [papyra, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let said = ''
    child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()))
    child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()))
    child.on('error', reject)
    child.on('close', (code) => {
      const changed = /"changed": ?true/.test(out)
      resolve({ changed, error: code === 0 ? null : `exit ${code}: ${(said || out).trim()}` })
    })
  })
}

/** Compacts in a loop until it is told to stop: with the command at `papyra`, if one is given. */
export async function soakCompactor([
  kind,
  path = '',
  keep = '0',
  papyra = '',
]: string[]): Promise<void> {
  const parent = told()
  const errors: Record<string, number> = {}
  let runs = 0
  let changed = 0
  while (parent.last() === null) {
    const outcome =
      papyra === ''
        ? await askOwner(kind, path, Number(keep))
        : await askWithCommand(papyra, path, Number(keep))
    runs++
    if (outcome.changed) changed++
    if (outcome.error !== null) errors[outcome.error] = (errors[outcome.error] ?? 0) + 1
    await sleep(10)
  }
  const compacted: Compacted = { runs, changed, errors }
  writeSync(1, `${JSON.stringify(compacted)}\n`)
  process.exit(0)
}
