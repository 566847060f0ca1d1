import { setTimeout as sleep } from 'node:timers/promises'
import { throwIfAborted, type LongOperation, type Throttled } from '@papyra/contracts'

const PROGRESS_EVERY_MS = 100

/** Holds a long operation to its limit, tells how far it is, and notices that it was stopped. */
export class Pace {
  readonly #options: LongOperation & Throttled
  readonly #phase: string
  readonly #totalBytes: number
  readonly #startedAt = performance.now()
  #toldAt = 0
  #bytes = 0
  #records = 0

  constructor(options: LongOperation & Throttled, phase: string, totalBytes: number) {
    this.#options = options
    this.#phase = phase
    this.#totalBytes = totalBytes
    throwIfAborted(options.signal)
  }

  /** To be called after each page. */
  async step(bytes: number, records: number): Promise<void> {
    const { signal, bytesPerSecond } = this.#options
    throwIfAborted(signal)
    this.#bytes += bytes
    this.#records += records
    const now = performance.now()
    if (now - this.#toldAt >= PROGRESS_EVERY_MS) {
      this.#toldAt = now
      this.#tell()
    }
    if (bytesPerSecond === undefined) return
    const due = this.#startedAt + (this.#bytes / bytesPerSecond) * 1000
    if (due <= now) return
    await sleep(due - now, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
    throwIfAborted(signal)
  }

  #tell(): void {
    const doneBytes = Math.min(this.#bytes, this.#totalBytes)
    const { onProgress } = this.#options
    const [phase, totalBytes, records] = [this.#phase, this.#totalBytes, this.#records]
    onProgress?.({ phase, doneBytes, totalBytes, records })
  }
}
