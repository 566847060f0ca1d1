import { resolve } from 'node:path'
import { ACK_LEVELS, PapyraError, type AckLevel, type Clock } from '@papyra/contracts'
import type { SealLimits, Vfs } from '@papyra/filelog'

/** When a segment is sealed and the next one begun: as soon as one of these is reached. */
export interface SegmentOptions {
  /** Most bytes of a segment. A single append that is larger gets a segment of its own. Default 64 MiB. */
  readonly maxBytes?: number
  /** Seconds after it was made; checked at each append. An empty segment is never sealed. Default: no limit. */
  readonly maxAgeSeconds?: number
  /** Most records of a segment. Default: no limit. */
  readonly maxRecords?: number
}

export interface RotationBackendOptions {
  /** The folder of the store. Relative to the working directory at the time of the call. */
  readonly dir: string
  /** What a resolved append promises. Default `durable`. */
  readonly ack?: AckLevel
  /** Most bytes that one fact may have as stored JSON. Default 1 MiB. Limits writing only. */
  readonly maxRecordBytes?: number
  /** When more bytes than this wait to be written, `append` waits. Default 8 MiB. */
  readonly maxWaitingBytes?: number
  readonly segment?: SegmentOptions
  /** For tests: the clock of stores whose `open` is given none. Default the system's. */
  readonly clock?: Clock
  /** For tests: another file system. Default the machine's own. */
  readonly vfs?: Vfs
}

/** The options after the check: the folder absolute, the limits as filelog takes them. */
export interface CheckedOptions extends Omit<RotationBackendOptions, 'segment'> {
  readonly seal: Partial<SealLimits>
}

const KEYS: readonly string[] = [
  'dir',
  'ack',
  'maxRecordBytes',
  'maxWaitingBytes',
  'segment',
  'clock',
  'vfs',
]
const SEGMENT_KEYS = ['maxBytes', 'maxAgeSeconds', 'maxRecords'] as const

function refuse(message: string): PapyraError {
  return new PapyraError('invalid_argument', `rotationBackend: ${message}`)
}

function requirePositive(value: unknown, name: string, unit: string): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) > 0)) return
  throw refuse(`${name} must be a positive whole number of ${unit}, not ${String(value)}.`)
}

function requireKeys(options: object, keys: readonly string[], where: string): void {
  const unknown = Object.keys(options).find((key) => !keys.includes(key))
  if (unknown !== undefined) throw refuse(`there is no option ${JSON.stringify(where + unknown)}.`)
}

function checkDir(dir: unknown): asserts dir is string {
  if (typeof dir !== 'string' || dir === '') throw refuse('dir must be a text that names a folder.')
  if (dir.includes('\0')) throw refuse('dir must not contain a NUL character.')
}

function checkSegment(segment: unknown): Partial<SealLimits> {
  if (segment === undefined) return {}
  if (typeof segment !== 'object' || segment === null) {
    throw refuse('segment must be an object with the limits of a segment.')
  }
  requireKeys(segment, SEGMENT_KEYS, 'segment.')
  const { maxBytes, maxAgeSeconds, maxRecords }: SegmentOptions = segment
  requirePositive(maxBytes, 'segment.maxBytes', 'bytes')
  requirePositive(maxAgeSeconds, 'segment.maxAgeSeconds', 'seconds')
  requirePositive(maxRecords, 'segment.maxRecords', 'records')
  return {
    ...(maxBytes !== undefined && { maxBytes }),
    ...(maxAgeSeconds !== undefined && { maxAgeMs: maxAgeSeconds * 1000 }),
    ...(maxRecords !== undefined && { maxRecords }),
  }
}

/** Checks the options and makes the path absolute. Throws `invalid_argument`. */
export function checkOptions(options: RotationBackendOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null) throw refuse('options are required.')
  requireKeys(options, KEYS, '')
  const { segment, ...rest } = options
  const { dir, ack } = rest
  checkDir(dir)
  if (ack !== undefined && !ACK_LEVELS.includes(ack)) {
    throw refuse(`ack must be ${ACK_LEVELS.join(' or ')}, not ${String(ack)}.`)
  }
  requirePositive(options.maxRecordBytes, 'maxRecordBytes', 'bytes')
  requirePositive(options.maxWaitingBytes, 'maxWaitingBytes', 'bytes')
  return { ...rest, dir: resolve(dir), seal: checkSegment(segment) }
}
