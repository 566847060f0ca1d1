// Chapters 2 and 3: retention is stated, and compaction really happens.
import type { HistoryEntry, RetentionPolicy } from '@papyra/contracts'
import { diffPolicies, isUnbounded } from '@papyra/retention'
import { otherwise, papyra } from './check.js'
import { fail, pass, skip, unknown, warn, type Item, type Verdict } from './item.js'
import type { StoreFacts } from './facts.js'
import type { ChecklistSettings } from './settings.js'
import { plural, spanText } from './text.js'

const DAY_MS = 86_400_000
/** Daily for files, weekly for what many write to; so much later it counts as not happening. */
const CADENCE_MS = { shared: 14 * DAY_MS, owned: 2 * DAY_MS } as const
/** Which share of the records may be expired between two runs, and from which on it is too much. */
const USUAL_SHARE = 0.1
const HIGH_SHARE = 0.5
const STATE = otherwise(
  'State `retention` in the configuration: maxRecords, maxAgeSeconds or maxTotalBytes.',
)
const COMPACT = papyra('persistence', 'compact')
const SELDOM = otherwise(
  'Set `compaction.every` to a longer time: a run has to remove more bytes than it writes down.',
)

const limited = (policy: RetentionPolicy | null): policy is RetentionPolicy =>
  policy !== null && !isUnbounded(policy)

function judgeExplicit({ description }: StoreFacts, { retention }: ChecklistSettings): Verdict {
  if (limited(retention)) return pass(`Configured: ${policyText(retention)}.`)
  const recorded = description?.retention ?? null
  if (limited(recorded)) return pass(`Recorded with the store: ${policyText(recorded)}.`)
  return fail('There is no limit: the store grows until the disk is full.', STATE)
}

function policyText(policy: RetentionPolicy): string {
  return JSON.stringify(policy).replace(/[{}"]/g, '').replaceAll(':', '=').replaceAll(',', ', ')
}

function judgeAgreed({ description }: StoreFacts, { retention }: ChecklistSettings): Verdict {
  const recorded = description?.retention ?? null
  if (!limited(retention) || !limited(recorded))
    return skip('There are not two policies to compare.')
  const differences = diffPolicies(recorded, retention)
  if (differences.length === 0) return pass('The store has the policy of the configuration.')
  return warn(
    `Recorded with the store is another: ${policyText(recorded)}.`,
    otherwise('Start the service with its configuration: its owner records the policy.'),
  )
}

function compactions({ description }: StoreFacts): readonly HistoryEntry[] | null {
  return description?.history.filter(({ what }) => what === 'compaction') ?? null
}

function cadence({ definition }: StoreFacts): number {
  return definition.capabilities.exclusiveOwner ? CADENCE_MS.owned : CADENCE_MS.shared
}

function judgeScheduled(facts: StoreFacts, { compaction }: ChecklistSettings): Verdict {
  if (!facts.definition.capabilities.persistent) return skip('It compacts by itself.')
  if (compaction !== undefined) return pass('The configuration has a schedule: `compaction`.')
  const runs = compactions(facts)
  if (runs === null) return unknown('The store was not read.')
  const recent = runs.filter(({ at }) => facts.now - at < 2 * cadence(facts))
  if (recent.length >= 2) return pass(`${plural(recent.length, 'run')} lately, from outside.`)
  return fail(
    'Nothing is scheduled, and there were not two runs lately.',
    otherwise('Set `compaction: { every: "24h" }`, or a cron job: recipes in deploy/.'),
  )
}

function judgeHappening(facts: StoreFacts): Verdict {
  const { description, now, definition, backlog } = facts
  if (!definition.capabilities.persistent) return skip('It compacts by itself.')
  if (description === null) return unknown('The store was not read.')
  const last = compactions(facts)?.at(-1)
  const limit = cadence(facts)
  const since = last?.at ?? description.createdAt
  const age = since === null ? null : now - since
  const said = last === undefined ? 'There was no compaction yet' : 'The last compaction was'
  if (age === null) return unknown(`${said}.`, COMPACT)
  const told =
    last === undefined
      ? `${said}; the store is ${spanText(age)} old.`
      : `${said} ${spanText(age)} ago.`
  // A run that found nothing to delete leaves no trace.
  const idle = backlog !== null && backlog.records.before === backlog.records.after
  if (age > limit && !idle) return fail(told, COMPACT)
  return pass(age > limit ? `${told} Nothing is expired.` : told)
}

function judgeBacklog({ backlog, definition }: StoreFacts): Verdict {
  if (!definition.capabilities.persistent) return skip('It compacts by itself.')
  if (backlog === null)
    return skip('Nothing is known to expire: there is no policy, or no reading it.')
  const records = backlog.records.before - backlog.records.after
  const bytes = backlog.bytes.before - backlog.bytes.after
  const said = `${plural(records, 'record')} of ${backlog.records.before} are expired and not deleted, ${plural(bytes, 'byte')}.`
  if (records === 0) return pass('Nothing is expired that is not deleted.')
  const share = records / backlog.records.before
  if (share <= USUAL_SHARE) return pass(said)
  return share > HIGH_SHARE ? fail(said, COMPACT) : warn(said, COMPACT)
}

function judgeEffective(facts: StoreFacts): Verdict {
  const { scan } = facts
  const last = compactions(facts)?.findLast(({ recordsRemoved }) => recordsRemoved > 0)
  if (last === undefined) return skip('No compaction has removed anything yet.')
  const since = scan?.clean === true ? '; a scan is clean' : ''
  const said = `The last one that removed anything took ${plural(last.recordsRemoved, 'record')} and ${plural(last.bytesRemoved, 'byte')}${since}.`
  return last.bytesRemoved > 0 ? pass(said) : warn(said, SELDOM)
}

export const RETENTION_ITEMS: readonly Item[] = [
  {
    id: 'retention.explicit',
    chapter: 2,
    why: 'Without a limit the disk fills up for certain.',
    judge: judgeExplicit,
  },
  {
    id: 'retention.agreed',
    chapter: 2,
    why: 'Whoever compacts from outside goes by the policy that is recorded.',
    judge: judgeAgreed,
  },
  {
    id: 'compaction.scheduled',
    chapter: 3,
    why: 'Retention hides; only compaction deletes.',
    judge: judgeScheduled,
  },
  {
    id: 'compaction.happening',
    chapter: 3,
    why: 'A schedule that does not run deletes nothing.',
    judge: judgeHappening,
  },
  {
    id: 'compaction.backlog',
    chapter: 3,
    why: 'What is expired and still there costs space and time.',
    judge: judgeBacklog,
  },
  {
    id: 'compaction.effective',
    chapter: 3,
    why: 'After a compaction the disk use falls.',
    judge: judgeEffective,
  },
]
