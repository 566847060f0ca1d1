import { PapyraError, type RetentionPolicy, type StartupMode } from '@papyra/contracts'
import { isUnbounded } from '@papyra/retention'

/** `NODE_ENV`, where there is a process that has one. */
function nodeEnvironment(): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } }
  return process?.env?.['NODE_ENV']
}

/**
 * Which environment this is: what the configuration says, else `NODE_ENV`, else `development`.
 * Lower case.
 */
export function resolveEnvironment(configured?: string): string {
  const stated = configured ?? nodeEnvironment() ?? ''
  return stated === '' ? 'development' : stated.toLowerCase()
}

/** What the rules for production look at. */
export interface GuardedSettings {
  readonly environment?: string
  readonly mode: StartupMode
  readonly retention?: RetentionPolicy | null
}

/**
 * The rules for production, checked before a store is touched: throws `mode_forbidden` for the mode
 * `ignore`, `retention_missing` if nothing limits what is kept. Elsewhere it allows everything.
 */
export function checkProductionRules(settings: GuardedSettings): void {
  if (resolveEnvironment(settings.environment) !== 'production') return
  if (settings.mode === 'ignore') {
    throw new PapyraError(
      'mode_forbidden',
      'The startup mode `ignore` is not allowed in production.',
    )
  }
  if (settings.retention == null || isUnbounded(settings.retention)) {
    throw new PapyraError(
      'retention_missing',
      'In production a retention policy is mandatory: without one the store grows without end.',
    )
  }
}
