import { ERROR_CODES, isPapyraError, PapyraError, type JsonValue } from '@papyra/contracts'
import { errnoOf } from '../write/io-error.js'

/** An error as it goes over the socket. */
export interface WireError {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly details: { readonly [key: string]: JsonValue }
}

/** What went wrong, without stacks and causes. */
export function toWire(error: unknown): WireError {
  if (isPapyraError(error)) {
    const { code, message, hint, details } = error
    return { code, message, hint, details }
  }
  const text = error instanceof Error ? error.message : String(error)
  const known = new PapyraError(errnoOf(error) === '' ? 'internal' : 'io_error', text)
  return known.toJSON()
}

/** The same error in another process. */
export function fromWire(wire: unknown): PapyraError {
  const { code, message, hint, details } = (wire ?? {}) as Partial<WireError>
  const known = typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)
  const text = typeof message === 'string' ? message : 'The owner told no reason.'
  return new PapyraError(
    known ? (code as keyof typeof ERROR_CODES) : 'internal',
    // A later version may know codes that this one does not.
    known ? text : `${text} (${String(code)})`,
    {
      ...(typeof hint === 'string' && hint !== '' ? { hint } : {}),
      ...(typeof details === 'object' && details !== null ? { details } : {}),
    },
  )
}
