import type { AppendResult, PapyraError } from '@papyra/contracts'
import type { Deferred } from './deferred.js'
import type { EncodedCall } from './encode.js'

/** One call of `append`, waiting. */
export interface Call extends EncodedCall {
  /** Monotonic time in ms by which it settles. */
  readonly deadline: number
  readonly settled: Deferred<AppendResult>
}

/** How a batch ended. */
export type Ending =
  /** Stored from this number on; with an error if it is not acknowledged as it should be. */
  | { readonly stored: number; readonly error: PapyraError | null }
  /** Certainly not stored, unless `latch`: then nobody knows, or the store is not what it was. */
  | {
      readonly stored: null
      readonly error: PapyraError
      readonly latch: boolean
      /** True if a later attempt may succeed. */
      readonly passing: boolean
      /** A call with less time left than this is not tried again. */
      readonly reserveMs: number
    }

/** The places of a batch's records as runs of one kind: `<place>:<records>,…`. */
export function runsOf(places: readonly number[]): string {
  const runs: string[] = []
  for (let from = 0, to = 1; from < places.length; from = to, to += 1) {
    while (to < places.length && places[to] === places[from]) to += 1
    runs.push(`${places[from]}:${to - from}`)
  }
  return runs.join(',')
}
