import { describe, test } from 'vitest'
import { CONFORMANCE_CHECKS } from './all-checks.js'
import { CHECK_GROUPS, runCheck } from './check.js'
import type { CheckSettings } from './check-settings.js'
import type { Subject } from './subject.js'

export interface ConformanceOptions extends CheckSettings {
  /** Heading of the tests, such as the name of the package. */
  readonly name: string
  /** Makes an empty place for a store; called once or more for every check. */
  readonly create: () => Promise<Subject>
  /** The most that one check may take, in ms. Default 120 000. */
  readonly timeoutMs?: number
}

const DEFAULT_TIMEOUT_MS = 120_000

/** The seed of this run: as stated, from the environment, or a new one. */
function seedOf(options: ConformanceOptions): number {
  const stated = options.seed ?? Number(process.env['PAPYRA_CONFORMANCE_SEED'] ?? Number.NaN)
  return Number.isSafeInteger(stated) ? stated : Math.floor(Math.random() * 0x7fffffff)
}

/**
 * Registers one vitest test for every promise of the backend contract. A check that needs a
 * capability the backend does not declare is skipped, and says so; what takes the place of a missing
 * capability is checked instead (the operation must reject with `unsupported`).
 */
export function backendConformance(options: ConformanceOptions): void {
  const seed = seedOf(options)
  const log = options.log ?? ((message: string) => console.info(`[${options.name}] ${message}`))
  const settings: CheckSettings = { numRuns: options.numRuns ?? 30, seed, log }
  const timeout = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  describe(`${options.name}: backend conformance`, () => {
    for (const group of CHECK_GROUPS) {
      describe(group, () => {
        for (const check of CONFORMANCE_CHECKS.filter((one) => one.group === group)) {
          test(`${check.id}: ${check.promise}`, { timeout }, async (context) => {
            const outcome = await runCheck(check, options.create, settings)
            if (outcome.status === 'skipped') context.skip(outcome.reason)
          })
        }
      })
    }
  })
}
