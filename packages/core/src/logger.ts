import { isPapyraError, systemClock, type Clock } from '@papyra/contracts'
import { LOG_EVENTS, type LogEventName, type LogEvents } from './log-events.js'

type Log = (fields: { readonly [name: string]: unknown }, message: string) => void

/** Whom acts are told, one call each, fields first: a logger of pino fits as it is. */
export interface PapyraLogger {
  readonly info: Log
  readonly warn: Log
  readonly error: Log
}

/**
 * A logger that writes a JSON line for each call: `level`, `time` in ms since 1970, the fields, `msg`.
 * All further fields that are given with the clock are on each line.
 *
 * @example
 * const logger = jsonLogger((line) => process.stderr.write(line))
 */
export function jsonLogger(
  write: (line: string) => unknown,
  common: { readonly clock?: Pick<Clock, 'now'>; readonly [name: string]: unknown } = {},
): PapyraLogger {
  const { clock = systemClock, ...own } = common
  const at =
    (level: string): Log =>
    (fields, msg) =>
      void write(`${JSON.stringify({ level, time: clock.now(), ...own, ...fields, msg })}\n`)
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

/** The same logger; each line has these fields too. */
export function withFields(
  logger: PapyraLogger | undefined,
  common: { readonly [name: string]: unknown },
): PapyraLogger | undefined {
  if (logger === undefined) return undefined
  return {
    info: (fields, message) => logger.info({ ...fields, ...common }, message),
    warn: (fields, message) => logger.warn({ ...fields, ...common }, message),
    error: (fields, message) => logger.error({ ...fields, ...common }, message),
  }
}

/** Tells an act. A logger has no say: what it throws changes nothing. */
export function say<Name extends LogEventName>(
  logger: PapyraLogger | undefined,
  event: Name,
  fields: LogEvents[Name],
): void {
  if (logger === undefined) return
  const { level, message } = LOG_EVENTS[event]
  try {
    logger[level]({ event, ...fields }, message)
  } catch {
    // What was to be told has happened all the same.
  }
}

/** All that is told of an error: messages may hold anything. */
export const codeOf = (error: unknown): string => (isPapyraError(error) ? error.code : 'internal')
