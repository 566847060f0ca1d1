// A place that runs full: a small file system of its own, or a limit on the size of files.
import { execFile } from 'node:child_process'
import { mkdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface SmallDisk {
  /** Which of the two it is, for the report. */
  readonly how: string
  readonly dir: string
  /** Makes it so small that about so many bytes are left. Called once the copy is there. */
  fill(bytes: number, spare: number): Promise<void>
  /** Gives room again. */
  widen(): Promise<void>
  dispose(): Promise<void>
}

/** A tmpfs, where this process may mount one; `null` where it may not. */
export async function mountSmallDisk(parent: string): Promise<SmallDisk | null> {
  const dir = join(parent, `small-${process.pid}-${Date.now()}`)
  await mkdir(dir, { recursive: true })
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1g,mode=0700', 'papyra-drill', dir])
  } catch {
    await rmdir(dir)
    return null
  }
  const size = (bytes: number): Promise<unknown> =>
    run('mount', ['-o', `remount,size=${Math.ceil(bytes / 4096) * 4096}`, dir])
  return {
    how: 'a tmpfs that runs full',
    dir,
    fill: async (bytes, spare) => void (await size(bytes + spare)),
    widen: async () => void (await size(2 ** 30)),
    async dispose() {
      await run('umount', [dir])
      await rmdir(dir)
    },
  }
}

/** A limit on the size of files that this process may write; `null` where it cannot be set. */
export async function limitFiles(dir: string): Promise<SmallDisk | null> {
  const pid = String(process.pid)
  const limit = async (bytes: string): Promise<unknown> =>
    run('prlimit', ['--pid', pid, `--fsize=${bytes}:`])
  try {
    const { stdout } = await run('prlimit', ['--pid', pid, '--fsize', '--noheadings', '-o', 'SOFT'])
    const usual = stdout.trim()
    return {
      how: 'a limit on the size of files',
      dir,
      fill: async (bytes, spare) => void (await limit(String(bytes + spare))),
      widen: async () => void (await limit(usual)),
      dispose: async () => void (await limit(usual)),
    }
  } catch {
    return null
  }
}
