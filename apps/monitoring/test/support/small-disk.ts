import { mkdir, open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { command } from './command.js'

/**
 * A folder whose disk can be full: a file system of 4 MiB where this user may mount one, so that writes
 * fail with a real ENOSPC; else a folder like any other, and the kernel refuses the process to let files
 * grow (EFBIG).
 */
export class SmallDisk {
  readonly #folder: string
  readonly #mounted: boolean

  private constructor(folder: string, mounted: boolean) {
    this.#folder = folder
    this.#mounted = mounted
  }

  static async at(folder: string): Promise<SmallDisk> {
    await mkdir(folder)
    const mount = ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder]
    const { code } = await command('mount', mount).catch(() => ({ code: 1 }))
    if (code !== 0)
      process.stderr.write('No file system may be mounted: a limit stands in for it.\n')
    return new SmallDisk(folder, code === 0)
  }

  /** From here on there is no room for what the process writes to the log. */
  async fill(pid: number, log: string): Promise<void> {
    if (!this.#mounted) return limit(pid, String((await stat(log)).size))
    const ballast = await open(join(this.#folder, 'ballast'), 'w')
    try {
      for (const chunk of [65_536, 4096, 1]) await writeUntilFull(ballast, Buffer.alloc(chunk))
    } finally {
      await ballast.close()
    }
  }

  async free(pid: number): Promise<void> {
    if (!this.#mounted) await limit(pid, 'unlimited')
    await rm(join(this.#folder, 'ballast'), { force: true })
  }

  async remove(): Promise<void> {
    if (this.#mounted) await command('umount', [this.#folder])
  }
}

async function limit(pid: number, bytes: string): Promise<void> {
  const { code, said } = await command('prlimit', [`--pid=${pid}`, `--fsize=${bytes}:`])
  if (code !== 0) throw new Error(said)
}

async function writeUntilFull(
  file: { write(buffer: Buffer): Promise<{ readonly bytesWritten: number }> },
  chunk: Buffer,
): Promise<void> {
  try {
    while ((await file.write(chunk)).bytesWritten === chunk.length);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}
