import { ERROR_CODES, isPapyraError, PapyraError } from '@papyra/contracts'
import { EXIT } from './exit-codes.js'
import type { Io } from './io.js'
import type { Output } from './output/output.js'
import { asciiJson } from './output/text.js'

/** Tells an error to whoever asked, as text or JSON, and gives its exit code. Never rejects. */
export async function reportError(io: Io, out: Output, error: unknown): Promise<number> {
  const known = asPapyraError(error)
  const exitCode = exitCodeOf(io, known)
  try {
    if (out.json) await out.raw(`${errorJson(known, exitCode)}\n`)
    else if (known.code === 'aborted') await out.problem(`papyra: ${known.message}`)
    else await errorText(out, known)
    if (known.code === 'internal') await out.problem(stackOf(error))
  } catch {
    // Standard output is what failed, and that is what is being reported.
    await out.problem(`papyra: ${known.code}: ${known.message}`)
  }
  return exitCode
}

function exitCodeOf(io: Io, error: PapyraError): number {
  if (error.code !== 'aborted') return ERROR_CODES[error.code].exit
  return io.stoppedBy() === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted
}

/** Errors of the system are told as such; anything else that is not ours to throw is a defect. */
export function asPapyraError(error: unknown): PapyraError {
  if (isPapyraError(error)) return error
  if (error instanceof Error && error.name === 'AbortError') {
    return new PapyraError('aborted', 'The command was stopped. The store is as valid as before.', {
      cause: error,
    })
  }
  if (isSystemError(error))
    return new PapyraError('io_error', `${error.message}.`, { cause: error })
  const message = error instanceof Error ? error.message : String(error)
  return new PapyraError('internal', `Unexpected: ${message}`, { cause: error })
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'errno' in error
}

function errorJson({ code, message, hint, details }: PapyraError, exitCode: number): string {
  const document = {
    schema: 'papyra.error/1',
    ok: false,
    error: { code, message, hint, details },
    exitCode,
  }
  return asciiJson(document)
}

async function errorText(out: Output, { code, message, hint }: PapyraError): Promise<void> {
  await out.problem(['red', `papyra: ${code}:`], ` ${message}`)
  if (hint !== '') await out.problem(`  what to do: ${hint}`)
}

const stackOf = (error: unknown): string =>
  error instanceof Error && error.stack !== undefined
    ? error.stack.split('\n').slice(1, 6).join(' |')
    : 'no stack'
