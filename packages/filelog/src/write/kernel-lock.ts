import { spawnSync } from 'node:child_process'
import { PapyraError } from '@papyra/contracts'

// Absolute names too: a cron job may run with no PATH at all.
const COMMANDS: readonly (readonly string[])[] = [
  ['flock'],
  ['/usr/bin/flock'],
  ['busybox', 'flock'],
  ['/bin/busybox', 'flock'],
]

/**
 * Takes flock(2) on the open file behind `fd` through flock(1), which inherits the descriptor and
 * with it the open file description that the lock belongs to. True if we have it now, false if
 * somebody else does; never waits. Throws `lock_unavailable` if there is no such command or the file
 * system knows no locks. Takes about 5 ms.
 */
export function kernelLock(
  fd: number,
  path: string,
  shared: boolean,
  commands: readonly (readonly string[])[] = COMMANDS,
): boolean {
  for (const [command, ...first] of commands) {
    const args = [...first, '-n', shared ? '-s' : '-x', '3']
    const run = spawnSync(command as string, args, { stdio: ['ignore', 'ignore', 'pipe', fd] })
    if (isMissing(run.error)) continue
    if (run.error !== undefined) throw unavailable(path, run.error.message, run.error)
    const said = run.stderr.toString().trim()
    if (run.status === 0) return true
    if (run.status === 1 && said === '') return false
    throw unavailable(path, said === '' ? `it ended with ${run.status ?? run.signal}` : said)
  }
  throw unavailable(path, 'there is no such command')
}

function isMissing(error: Error | undefined): boolean {
  const code = (error as { code?: string } | undefined)?.code
  return code === 'ENOENT' || code === 'EACCES'
}

function unavailable(path: string, why: string, cause?: unknown): PapyraError {
  return new PapyraError('lock_unavailable', `${path} cannot be locked with flock: ${why}.`, {
    cause,
    details: { path },
  })
}
