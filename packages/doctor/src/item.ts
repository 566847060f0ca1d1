import type { Check, CheckState, Mend } from './check.js'
import type { StoreFacts } from './facts.js'
import type { ChecklistSettings } from './settings.js'

/** What was seen, and what follows from it. */
export interface Verdict {
  readonly state: CheckState
  readonly evidence: string
  readonly mend?: Mend
}

/** One item of the checklist. */
export interface Item {
  readonly id: string
  /** Of the operator's page. */
  readonly chapter: number
  readonly why: string
  judge(facts: StoreFacts, settings: ChecklistSettings): Verdict
}

export const pass = (evidence: string): Verdict => ({ state: 'pass', evidence })
export const skip = (evidence: string): Verdict => ({ state: 'skip', evidence })
export const unknown = (evidence: string, mend?: Mend): Verdict =>
  verdict('unknown', evidence, mend)
export const warn = (evidence: string, mend?: Mend): Verdict => verdict('warn', evidence, mend)
export const fail = (evidence: string, mend?: Mend): Verdict => verdict('fail', evidence, mend)

function verdict(state: CheckState, evidence: string, mend: Mend | undefined): Verdict {
  return mend === undefined ? { state, evidence } : { state, evidence, mend }
}

export function toCheck(item: Item, { state, evidence, mend }: Verdict): Check {
  return { id: item.id, state, why: item.why, evidence, mend: mend ?? null }
}
