import type { Clock, RetentionPolicy } from '@papyra/contracts'
import type { GateReport } from './gate-types.js'
import type { PapyraHooks } from './hooks.js'
import type { IntakeLimits } from './intake.js'
import type { PapyraLogger } from './logger.js'
import type { PapyraSchemas } from './schemas.js'
import type { RetentionView } from './visible.js'

/** What an open store is made of, besides its backend. */
export interface OpenStoreOptions {
  readonly systemId: string
  readonly logId: string
  readonly retention: RetentionPolicy | null
  readonly report: GateReport
  readonly clock: Clock
  readonly schemas: PapyraSchemas | undefined
  readonly intake: IntakeLimits
  readonly hooks: PapyraHooks
  readonly logger: PapyraLogger | undefined
  /** `recordsWritten` of the store as it begins. */
  readonly recordsWritten: number
}

/** What lists show at this moment. */
export function viewOf({ report, clock, retention }: OpenStoreOptions): RetentionView {
  const scan = report.after ?? report.scan
  const counted = scan !== null && scan.coverage !== 'quick'
  const none = counted && !scan.notices.some(({ code }) => code === 'unknown_kind')
  return { policy: retention, now: clock.now(), unknownKinds: none ? 'none' : 'possible' }
}
