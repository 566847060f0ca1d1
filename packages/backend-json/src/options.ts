import { resolve } from 'node:path'
import { ACK_LEVELS, PapyraError, type AckLevel, type Clock } from '@papyra/contracts'
import type { Vfs } from '@papyra/filelog'

export interface JsonBackendOptions {
  /** The log. Relative to the working directory at the time of the call. */
  readonly path: string
  /** What a resolved append promises. Default `durable`. */
  readonly ack?: AckLevel
  /** Most bytes that one fact may have as stored JSON. Default 1 MiB. Limits writing only. */
  readonly maxRecordBytes?: number
  /** When more bytes than this wait to be written, `append` waits. Default 8 MiB. */
  readonly maxWaitingBytes?: number
  /** For tests: the clock of stores whose `open` is given none. Default the system's. */
  readonly clock?: Clock
  /** For tests: another file system. Default the machine's own. */
  readonly vfs?: Vfs
}

const KEYS: readonly string[] = ['path', 'ack', 'maxRecordBytes', 'maxWaitingBytes', 'clock', 'vfs']

function refuse(message: string): PapyraError {
  return new PapyraError('invalid_argument', `jsonBackend: ${message}`)
}

function checkBytes(options: JsonBackendOptions, key: 'maxRecordBytes' | 'maxWaitingBytes'): void {
  const value: unknown = options[key]
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) > 0)) return
  throw refuse(`${key} must be a positive whole number of bytes, not ${String(value)}.`)
}

/** Checks the options and makes the path absolute. Throws `invalid_argument`. */
export function checkOptions(options: JsonBackendOptions): JsonBackendOptions {
  if (typeof options !== 'object' || options === null) throw refuse('options are required.')
  const unknown = Object.keys(options).find((key) => !KEYS.includes(key))
  if (unknown !== undefined) throw refuse(`there is no option ${JSON.stringify(unknown)}.`)
  const { path, ack } = options
  if (typeof path !== 'string' || path === '')
    throw refuse('path must be a text that names a file.')
  if (path.includes('\0')) throw refuse('path must not contain a NUL character.')
  if (path.endsWith('/')) throw refuse(`path must name a file, not a folder: ${path}`)
  if (ack !== undefined && !ACK_LEVELS.includes(ack)) {
    throw refuse(`ack must be ${ACK_LEVELS.join(' or ')}, not ${String(ack)}.`)
  }
  checkBytes(options, 'maxRecordBytes')
  checkBytes(options, 'maxWaitingBytes')
  return { ...options, path: resolve(path) }
}
