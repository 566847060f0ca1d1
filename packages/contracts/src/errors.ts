import { ERROR_CODES, type PapyraErrorCode } from './error-codes.js'
import type { JsonValue } from './records.js'

const BRAND: symbol = Symbol.for('papyra.error')

export interface PapyraErrorOptions {
  /** What to do about it, where the catalogue's advice can be made more exact. */
  readonly hint?: string
  /** Facts about the place: path, offset, seq, owner. Plain JSON; never payloads or secrets. */
  readonly details?: { readonly [key: string]: JsonValue }
  readonly cause?: unknown
}

/**
 * The one error class. `code` is stable and listed in `ERROR_CODES`; the message is for people and
 * may change. Recognise it with `isPapyraError`, which also works across two copies of this package.
 */
export class PapyraError extends Error {
  readonly code: PapyraErrorCode
  readonly hint: string
  readonly details: { readonly [key: string]: JsonValue }

  constructor(code: PapyraErrorCode, message: string, options: PapyraErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'PapyraError'
    this.code = code
    const known = ERROR_CODES as Partial<typeof ERROR_CODES>
    this.hint = options.hint ?? known[code]?.action ?? ''
    this.details = options.details ?? {}
    Object.defineProperty(this, BRAND, { value: true })
  }

  toJSON(): {
    code: PapyraErrorCode
    message: string
    hint: string
    details: { readonly [key: string]: JsonValue }
  } {
    return { code: this.code, message: this.message, hint: this.hint, details: this.details }
  }
}

/** True for a `PapyraError` of any copy of this package; with `code`, only for that code. */
export function isPapyraError(value: unknown, code?: PapyraErrorCode): value is PapyraError {
  if (typeof value !== 'object' || value === null) return false
  if ((value as Record<symbol, unknown>)[BRAND] !== true) return false
  return code === undefined || (value as PapyraError).code === code
}

/** Throws `aborted` if the signal has been aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return
  if (isPapyraError(signal.reason)) throw signal.reason
  throw new PapyraError('aborted', 'The operation was stopped on request.', {
    cause: signal.reason,
  })
}
