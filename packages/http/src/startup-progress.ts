import type { Clock, Progress } from '@papyra/contracts'

/** How far the gate is. The numbers are those of the phase that is under way. */
export interface StartupStatus {
  /** `null` before the gate has told anything. */
  readonly phase: string | null
  readonly doneBytes: number
  readonly totalBytes: number
  readonly records: number
  /** 0 to 100, rounded down; `null` while the total is not known. */
  readonly percent: number | null
  /** Until the phase ends, in s, at the pace so far; `null` while that cannot be told. */
  readonly etaSeconds: number | null
  /** Since `createHealth`, in s; stands still once the gate has passed or refused. */
  readonly elapsedSeconds: number
}

/** A phase is a word of the backend's; anything that does not look like one is not passed on. */
const WORD = /^[a-z][a-z0-9_ -]{0,39}$/

/** Keeps the last that the gate told. */
export class StartupProgress {
  readonly #clock: Clock
  readonly #began: number
  #ended: number | null = null
  #last: Progress | null = null
  #phaseBegan = 0
  #phaseFirstBytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#began = clock.monotonic()
  }

  take(progress: Progress): void {
    const { phase, doneBytes, totalBytes, records } = progress
    if (this.#last?.phase !== phase || doneBytes < this.#last.doneBytes) {
      this.#phaseBegan = this.#clock.monotonic()
      this.#phaseFirstBytes = doneBytes
    }
    this.#last = { phase, doneBytes, totalBytes, records }
  }

  end(): void {
    this.#ended ??= this.#clock.monotonic()
  }

  status(): StartupStatus {
    const { doneBytes = 0, totalBytes = 0, records = 0, phase = null } = this.#last ?? {}
    const elapsed = (this.#ended ?? this.#clock.monotonic()) - this.#began
    const part = totalBytes > 0 ? Math.min(1, doneBytes / totalBytes) : null
    return {
      phase: phase === null || WORD.test(phase) ? phase : 'other',
      doneBytes,
      totalBytes,
      records,
      percent: part === null ? null : Math.floor(part * 100),
      etaSeconds: this.#eta(doneBytes, totalBytes),
      elapsedSeconds: Math.round(elapsed) / 1000,
    }
  }

  #eta(doneBytes: number, totalBytes: number): number | null {
    if (this.#ended !== null || totalBytes <= 0) return null
    const done = doneBytes - this.#phaseFirstBytes
    const took = this.#clock.monotonic() - this.#phaseBegan
    if (done <= 0 || took <= 0) return null
    return Math.ceil((Math.max(0, totalBytes - doneBytes) * took) / done / 1000)
  }
}
