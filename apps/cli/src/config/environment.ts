import {
  isPapyraError,
  PapyraError,
  RECOVERY_MODES,
  STARTUP_MODES,
  type RecoveryMode,
  type StartupMode,
} from '@papyra/contracts'
import { readBytes, readChoice, readCount, readDuration, readSeconds } from '../args/values.js'
import type { Io } from '../io.js'

/** What the environment states. Every variable is named here: others that begin so are not ours. */
export interface EnvironmentSettings {
  readonly path: string | undefined
  readonly redisUrl: string | undefined
  readonly redisPrefix: string | undefined
  readonly system: string | undefined
  readonly environment: string | undefined
  readonly expectLogId: string | undefined
  readonly quarantineDir: string | undefined
  readonly mode: StartupMode | undefined
  readonly recoveryMode: RecoveryMode | undefined
  readonly timeBudgetMs: number | undefined
  readonly waitLockMs: number | undefined
  readonly maxRecords: number | undefined
  readonly maxAgeSeconds: number | undefined
  readonly maxTotalBytes: number | undefined
}

/** Which variable states what. */
export const VARIABLES: Readonly<Record<keyof EnvironmentSettings, string>> = {
  path: 'PAPYRA_PATH',
  redisUrl: 'PAPYRA_REDIS_URL',
  redisPrefix: 'PAPYRA_REDIS_PREFIX',
  system: 'PAPYRA_SYSTEM',
  environment: 'PAPYRA_ENVIRONMENT',
  expectLogId: 'PAPYRA_EXPECT_LOG_ID',
  quarantineDir: 'PAPYRA_QUARANTINE_DIR',
  mode: 'PAPYRA_STARTUP_MODE',
  recoveryMode: 'PAPYRA_RECOVERY_MODE',
  timeBudgetMs: 'PAPYRA_TIME_BUDGET',
  waitLockMs: 'PAPYRA_WAIT_LOCK',
  maxRecords: 'PAPYRA_MAX_RECORDS',
  maxAgeSeconds: 'PAPYRA_MAX_AGE_SECONDS',
  maxTotalBytes: 'PAPYRA_MAX_TOTAL_BYTES',
}

/** Reads the variables. One that cannot be used is `invalid_config`; an empty one is not there. */
export function readEnvironment(env: Io['env']): EnvironmentSettings {
  const read = <T>(
    key: keyof EnvironmentSettings,
    parse: (name: string, value: string) => T,
  ): T | undefined => {
    const name = VARIABLES[key]
    const value = env[name]
    if (value === undefined || value === '') return undefined
    try {
      return parse(name, value)
    } catch (error) {
      if (!isPapyraError(error, 'invalid_argument')) throw error
      throw new PapyraError('invalid_config', error.message, {
        hint: error.hint,
        details: { variable: name },
      })
    }
  }
  const asIs = (_name: string, value: string): string => value
  return {
    path: read('path', asIs),
    redisUrl: read('redisUrl', asIs),
    redisPrefix: read('redisPrefix', asIs),
    system: read('system', asIs),
    environment: read('environment', asIs),
    expectLogId: read('expectLogId', asIs),
    quarantineDir: read('quarantineDir', asIs),
    mode: read('mode', (name, value) => readChoice(name, value, STARTUP_MODES)),
    recoveryMode: read('recoveryMode', (name, value) => readChoice(name, value, RECOVERY_MODES)),
    timeBudgetMs: read('timeBudgetMs', readDuration),
    waitLockMs: read('waitLockMs', readDuration),
    maxRecords: read('maxRecords', readCount),
    maxAgeSeconds: read('maxAgeSeconds', readSeconds),
    maxTotalBytes: read('maxTotalBytes', readBytes),
  }
}
