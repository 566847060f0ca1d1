import { constants } from 'node:os'
import { isPapyraError, PapyraError } from '@papyra/contracts'

/** The system's name of an error, such as `ENOSPC`; an empty text if it has none. */
export function errnoOf(error: unknown): string {
  const { code, errno } = (error ?? {}) as { code?: unknown; errno?: unknown }
  if (typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)) return code
  if (typeof errno !== 'number') return ''
  // Node knows no name for some, EDQUOT among them: `Unknown system error -122`.
  const named = Object.entries(constants.errno).find(([, value]) => value === Math.abs(errno))
  return named?.[0] ?? ''
}

/** An error of the system as `io_error`, or with another code; a `PapyraError` stays as it is. */
export function ioError(
  error: unknown,
  doing: string,
  path: string,
  code: 'io_error' | 'unreadable' = 'io_error',
): PapyraError {
  if (isPapyraError(error)) return error
  const errno = errnoOf(error)
  const why = errno === '' ? String(error) : errno
  return new PapyraError(code, `${doing} ${path} failed: ${why}.`, {
    cause: error,
    details: { path, errno },
  })
}
