import {
  PapyraError,
  systemClock,
  type BackendDefinition,
  type Clock,
  type LongOperation,
} from '@papyra/contracts'
import type { Waiver } from '@papyra/core'
import { countStates, type Check, type CheckCounts } from './check.js'
import { gatherFacts, type StoreFacts } from './facts.js'
import { toCheck, type Item } from './item.js'
import { RETENTION_ITEMS } from './items-retention.js'
import { STORE_ITEMS } from './items-store.js'
import { TRIED_ITEMS } from './items-tried.js'
import { WATCH_ITEMS } from './items-watch.js'
import { findingCheck } from './run.js'
import type { ChecklistSettings } from './settings.js'

const ITEMS: readonly Item[] = [
  ...STORE_ITEMS,
  ...RETENTION_ITEMS,
  ...WATCH_ITEMS,
  ...TRIED_ITEMS,
].sort((a, b) => a.chapter - b.chapter)

/** The ids of the items that hold for every backend; a backend's own findings come besides. */
export const CHECKLIST_IDS: readonly string[] = ITEMS.map(({ id }) => id)

export interface ChecklistCheck extends Check {
  /** Of the operator's page. */
  readonly chapter: number
  /** Why it is not held against the store now; `null` if it is. */
  readonly waived: Waiver | null
}

export interface ChecklistReport {
  readonly location: string
  readonly backend: string
  readonly environment: string
  /** Wall time in ms. */
  readonly at: number
  readonly strict: boolean
  /** 0, or 1: something failed, or is unknown where that is held against it (`strict`). */
  readonly exit: 0 | 1
  readonly checks: readonly ChecklistCheck[]
  /** Waived ones are not counted. */
  readonly counts: CheckCounts
  /** Waivers whose day is over, or that name no item. */
  readonly deadWaivers: readonly Waiver[]
}

export interface ChecklistOptions extends LongOperation {
  readonly settings: ChecklistSettings
  /** Unknowns count as failures. Default: in production. */
  readonly strict?: boolean
  /** Ids, or their first part, such as `compaction`. */
  readonly only?: readonly string[]
  readonly skip?: readonly string[]
  readonly clock?: Clock
  /** The folder of the reports of drills and gates; without it what was tried is unknown. */
  readonly reports?: string
}

/**
 * Evaluates every item of the production checklist against the configuration and the store. Reads only,
 * takes no lock. Throws `invalid_argument` for a name that no item has.
 */
export async function runChecklist(
  definition: BackendDefinition,
  options: ChecklistOptions,
): Promise<ChecklistReport> {
  const { settings, clock = systemClock, only, skip, signal, onProgress } = options
  const { environment, waivers = [] } = settings
  const strict = options.strict ?? environment === 'production'
  const facts = await gatherFacts(definition, {
    policy: settings.retention,
    clock,
    reports: options.reports,
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  })
  const all = everyCheck(facts, settings)
  for (const name of [...(only ?? []), ...(skip ?? [])]) requireItem(all, name)
  const isLive = ({ expires }: Waiver): boolean => facts.now < Date.parse(expires) + 86_400_000
  const chosen = all.filter(
    ({ id }) =>
      (only === undefined || only.some((name) => names(name, id))) &&
      !(skip ?? []).some((name) => names(name, id)),
  )
  const checks = chosen.map((check) => ({
    ...check,
    waived: waivers.find((waiver) => waiver.id === check.id && isLive(waiver)) ?? null,
  }))
  const counts = countStates(checks.filter(({ waived }) => waived === null))
  const bad = counts.fail + (strict ? counts.unknown : 0)
  const known = new Set(all.map(({ id }) => id))
  return {
    ...{ location: definition.location, backend: definition.name, environment, at: facts.now },
    ...{ strict, exit: bad > 0 ? 1 : 0, checks, counts },
    deadWaivers: waivers.filter((waiver) => !isLive(waiver) || !known.has(waiver.id)),
  }
}

type Judged = Omit<ChecklistCheck, 'waived'>

function everyCheck(facts: StoreFacts, settings: ChecklistSettings): Judged[] {
  const items = ITEMS.map((item) => ({
    ...toCheck(item, item.judge(facts, settings)),
    chapter: item.chapter,
  }))
  const findings = facts.findings.map((finding) => ({ ...findingCheck(finding), chapter: 6 }))
  return [...items, ...findings].sort((a, b) => a.chapter - b.chapter)
}

/** `compaction` names all of `compaction.…`. */
function names(name: string, id: string): boolean {
  return id === name || id.startsWith(`${name}.`)
}

function requireItem(checks: readonly Judged[], name: string): void {
  if (checks.some(({ id }) => names(name, id))) return
  throw new PapyraError('invalid_argument', `No item of the checklist is called ${name}.`, {
    hint: `There are: ${checks.map(({ id }) => id).join(', ')}.`,
  })
}
