import { spawnSync } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url))

/** What one fresh process needed. */
export interface Cost {
  readonly ms: number
  /** Peak resident memory in MiB. */
  readonly peakMiB: number
  readonly result: unknown
}

/** Runs one task of `worker.ts` in a process of its own, so that memory and warm-up are its own. */
export function inChild(task: string, ...args: readonly string[]): Cost {
  const child = spawnSync(process.execPath, [WORKER, task, ...args], { encoding: 'utf8' })
  if (child.status !== 0) throw new Error(`${task} failed: ${child.stderr}`)
  return JSON.parse(child.stdout) as Cost
}

/** Milliseconds that a whole process took. */
export function wholeProcess(args: readonly string[]): number {
  const start = performance.now()
  const child = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  if (child.status !== 0) throw new Error(`${args.join(' ')} ended with ${child.status}`)
  return performance.now() - start
}
