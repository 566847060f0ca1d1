import { isPapyraError, PapyraError } from '@papyra/contracts'
import { errnoOf } from './io-error.js'

/** Numbers whose fate is unknown; none if the second is below the first. */
export type Unknown = readonly [first: number, last: number]

function reason(cause: unknown): string {
  const errno = errnoOf(cause)
  if (errno !== '') return errno
  return cause instanceof Error ? cause.message : String(cause)
}

function ends(unknown: Unknown | null): {
  firstUnknown: number | null
  lastUnknown: number | null
} {
  const some = unknown !== null && unknown[0] <= unknown[1]
  return { firstUnknown: some ? unknown[0] : null, lastUnknown: some ? unknown[1] : null }
}

/** The writer stopped for good. */
export function latchedError(
  path: string,
  cause: unknown,
  doing: string,
  unknown: Unknown | null,
): PapyraError {
  const { firstUnknown, lastUnknown } = ends(unknown)
  const fate =
    firstUnknown === null ? '' : ` The fate of ${firstUnknown} to ${lastUnknown} is unknown.`
  const text = `${doing} failed (${reason(cause)}), so the writer of ${path} stopped.${fate}`
  const details = { path, errno: errnoOf(cause), firstUnknown, lastUnknown }
  return new PapyraError('writer_latched', text, { cause, details })
}

/** Nothing of a batch is stored. */
export function refusedError(path: string, cause: unknown, offset: number): PapyraError {
  if (isPapyraError(cause)) return cause
  const text = `Writing to ${path} at ${offset} failed: ${reason(cause)}.`
  const details = { path, errno: errnoOf(cause), offset }
  return new PapyraError('write_failed', text, { cause, details })
}

/** Somebody else touched the file. */
export function replacedError(path: string, what: string, unknown: Unknown): PapyraError {
  const text = `${path} ${what} while it was open, so its writer stopped.`
  return new PapyraError('store_replaced', text, { details: { path, ...ends(unknown) } })
}
