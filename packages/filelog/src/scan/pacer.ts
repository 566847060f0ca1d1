import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, PapyraError, systemClock, throwIfAborted } from '@papyra/contracts'
import type { VfsFile, VfsStat } from '../vfs.js'

/** Less than this is not waited for; it adds up. */
const LEAST_WAIT_MS = 10
/** What was not used is saved up for so long at most. */
const MOST_SAVED_MS = 100
/** One wait takes no longer, so that an abort is noticed where the timer does not know of it. */
const LONGEST_WAIT_MS = 1000

export interface PacerOptions {
  /** Monotonic time is taken from it. Default: the machine's. */
  readonly clock?: Clock | undefined
  /** Waits. Default: a timer, which an aborted signal ends. */
  readonly wait?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined
}

/** Keeps work at so many bytes a second on average, whoever does it: reads and writes count alike. */
export class Pacer {
  readonly #bytesPerMs: number
  readonly #clock: Clock
  readonly #wait: (ms: number, signal: AbortSignal | undefined) => Promise<void>
  /** When everything that was counted so far is paid for, on the monotonic clock. */
  #paid: number

  /** Throws `invalid_argument` unless `bytesPerSecond` is a positive finite number. */
  constructor(bytesPerSecond: number, { clock = systemClock, wait = waitFor }: PacerOptions = {}) {
    if (!(Number.isFinite(bytesPerSecond) && bytesPerSecond > 0)) {
      const text = `bytesPerSecond must be a positive number, not ${bytesPerSecond}.`
      throw new PapyraError('invalid_argument', text)
    }
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#clock = clock
    this.#wait = wait
    this.#paid = clock.monotonic()
  }

  /** Counts bytes that went over the disk; nobody waits for them yet. */
  count(bytes: number): void {
    this.#paid = Math.max(this.#paid, this.#clock.monotonic() - MOST_SAVED_MS)
    this.#paid += bytes / this.#bytesPerMs
  }

  /** Waits until what was counted so far is paid for. Rejects with `aborted`. */
  async turn(signal?: AbortSignal): Promise<void> {
    for (;;) {
      throwIfAborted(signal)
      const ms = this.#paid - this.#clock.monotonic()
      if (ms < LEAST_WAIT_MS) return
      await this.#wait(Math.min(ms, LONGEST_WAIT_MS), signal)
    }
  }
}

/** A pacer if a limit is asked for. */
export function pacerOf(
  bytesPerSecond: number | undefined,
  options: PacerOptions = {},
): Pacer | undefined {
  return bytesPerSecond === undefined ? undefined : new Pacer(bytesPerSecond, options)
}

async function waitFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    throwIfAborted(signal)
    throw error
  }
}

/** The same file, whose reads and writes wait for their turn. It may not be handed to `Vfs.lock`. */
export function paced(file: VfsFile, pacer: Pacer, signal?: AbortSignal): VfsFile {
  return new PacedFile(file, pacer, signal)
}

class PacedFile implements VfsFile {
  readonly path: string
  readonly #file: VfsFile
  readonly #pacer: Pacer
  readonly #signal: AbortSignal | undefined

  constructor(file: VfsFile, pacer: Pacer, signal: AbortSignal | undefined) {
    this.path = file.path
    this.#file = file
    this.#pacer = pacer
    this.#signal = signal
  }

  async read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<number> {
    await this.#pacer.turn(this.#signal)
    const n = await this.#file.read(buffer, offset, length, position)
    this.#pacer.count(n)
    return n
  }

  async write(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<number> {
    await this.#pacer.turn(this.#signal)
    const n = await this.#file.write(buffer, offset, length, position)
    this.#pacer.count(n)
    return n
  }

  writeSync(buffer: Uint8Array, offset: number, length: number, position: number): number {
    const n = this.#file.writeSync(buffer, offset, length, position)
    this.#pacer.count(n)
    return n
  }

  datasync(): Promise<void> {
    return this.#file.datasync()
  }

  sync(): Promise<void> {
    return this.#file.sync()
  }

  truncate(size: number): Promise<void> {
    return this.#file.truncate(size)
  }

  stat(): Promise<VfsStat> {
    return this.#file.stat()
  }

  statSync(): VfsStat {
    return this.#file.statSync()
  }

  chmod(mode: number): Promise<void> {
    return this.#file.chmod(mode)
  }

  chown(uid: number, gid: number): Promise<void> {
    return this.#file.chown(uid, gid)
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
