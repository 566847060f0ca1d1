import type { Progress } from '@papyra/contracts'
import type { Io } from '../io.js'
import { bytesText, countText, durationText } from './format.js'
import { printable, shortened } from './text.js'

const EVERY_MS = 100
const CLEAR = '\r\u001b[K'

export interface ProgressLine {
  readonly onProgress: (progress: Progress) => void
  /** Takes the line off the terminal. */
  done(): Promise<void>
}

/** One line on standard error that is written over, if that is a terminal; else nothing. */
export function progressLine(io: Io, quiet: boolean): ProgressLine {
  if (!io.stderr.isTTY || quiet) return { onProgress: () => {}, done: async () => {} }
  // A rate is that of the phase that is shown: planning and copying differ.
  let phase = { name: '', started: 0, bytes: 0 }
  let shownAt = Number.NEGATIVE_INFINITY
  let shown = false
  return {
    onProgress(progress) {
      const now = io.clock.monotonic()
      if (progress.phase !== phase.name || progress.doneBytes < phase.bytes) {
        phase = { name: progress.phase, started: now, bytes: 0 }
      }
      phase.bytes = progress.doneBytes
      if (now - shownAt < EVERY_MS) return
      shownAt = now
      shown = true
      const text = shortened(
        printable(progressText(progress, now - phase.started)),
        io.stderr.columns - 1,
      )
      void io.stderr.write(`${CLEAR}${text}`)
    },
    async done() {
      if (shown) await io.stderr.write(CLEAR)
      shown = false
    },
  }
}

/** `scan  512.0 MiB of 1.0 GiB (50%)  310.2 MiB/s  2,100,000 records  ETA 1.7 s`. */
export function progressText(progress: Progress, elapsedMs: number): string {
  const { phase, doneBytes, totalBytes, records } = progress
  const percent = totalBytes > 0 ? Math.min(100, Math.floor((doneBytes / totalBytes) * 100)) : 100
  const parts = [phase, `${bytesText(doneBytes)} of ${bytesText(totalBytes)} (${percent}%)`]
  const rate = elapsedMs > 0 ? (doneBytes / elapsedMs) * 1000 : 0
  if (rate > 0) parts.push(`${bytesText(Math.round(rate))}/s`)
  parts.push(`${countText(records)} records`)
  if (rate > 0)
    parts.push(`ETA ${durationText((Math.max(0, totalBytes - doneBytes) / rate) * 1000)}`)
  return parts.join('  ')
}
