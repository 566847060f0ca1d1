import {
  isPapyraError,
  type Backend,
  type BackendDefinition,
  type Clock,
  type LongOperation,
  type RetentionPolicy,
  type ScratchStore,
} from '@papyra/contracts'
import { papyra, type Check, type Mend } from '../check.js'
import type { ChecklistSettings } from '../settings.js'

/** What the gate asks of the configuration. */
export type GateSettings = Pick<ChecklistSettings, 'environment' | 'mode' | 'retention'>

/** What each check of the gate works with. */
export interface GateWork {
  readonly definition: BackendDefinition
  readonly settings: GateSettings
  /** The configured policy, else the recorded one. */
  readonly policy: RetentionPolicy | null
  readonly apply: boolean
  readonly clock: Clock
  readonly dir: string
  readonly long: LongOperation
  copy(dir?: string): Promise<ScratchStore>
}

export type GateCheck = (work: GateWork) => Promise<Check>

/** What was seen, of one check. */
export interface Seen {
  readonly state: Check['state']
  readonly evidence: string
  readonly mend?: Mend
}

/** A check whose errors are its answer: a copy that nobody makes is unknown, all else fails. */
export function gateCheck(
  id: string,
  why: string,
  look: (work: GateWork) => Promise<Seen>,
): GateCheck {
  return async (work) => {
    try {
      const { state, evidence, mend = null } = await look(work)
      return { id, why, state, evidence, mend }
    } catch (error) {
      if (!isPapyraError(error) || error.code === 'aborted') throw error
      const state = error.code === 'unsupported' ? 'unknown' : 'fail'
      const mend = papyra('doctor', 'explain', error.code)
      return { id, why, state, evidence: `${error.code}: ${error.message}`, mend }
    }
  }
}

export async function reading<T>(
  definition: BackendDefinition,
  work: (backend: Backend) => Promise<T>,
): Promise<T> {
  const backend = await definition.open({ access: 'read', create: 'never' })
  try {
    return await work(backend)
  } finally {
    await backend.close()
  }
}
