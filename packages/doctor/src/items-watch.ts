// Chapters 5 and 6: what is watched, and consumer groups.
import type { GroupDescription, MetricKey } from '@papyra/contracts'
import { otherwise, papyra } from './check.js'
import { fail, pass, skip, unknown, warn, type Item, type Verdict } from './item.js'
import type { StoreFacts } from './facts.js'
import type { ChecklistSettings } from './settings.js'
import { countsText, plural } from './text.js'

const METRICS = papyra('metrics', 'persistence')

/** What was dropped stays dropped: it is looked into, and then known. */
const LOOK = otherwise(
  'Look with `papyra metrics persistence`, raise `intake.capacity`, then waive `facts.dropped` in the configuration.',
)

const EXPORT = otherwise('Export them: @papyra/otel, or `/metrics` of @papyra/http.')
const STATED = otherwise(
  'Export them (@papyra/otel, or `/metrics` of @papyra/http) and state in the configuration: `use.metricsReader`.',
)
/** Numbers that are older than this, in ms, are not watched. */
const READ_WITHIN_MS = 3_600_000

/** Of a store that nobody holds, what counts is how it was when its last owner was there. */
function judgeRead(
  { metricsRead, description, now }: StoreFacts,
  { use }: ChecklistSettings,
): Verdict {
  const stated = use?.metricsReader
  if (metricsRead === null)
    return stated === undefined
      ? unknown('The store keeps no record of who reads.', STATED)
      : pass(`Stated: ${stated}.`)
  const { scrape, export: exported, asOf } = metricsRead
  const last = Math.max(scrape ?? 0, exported ?? 0)
  if (last === 0) return warn('Nobody has ever read the numbers.', EXPORT)
  const at = new Date(last).toISOString()
  const until = description?.owner == null ? asOf : now
  if (until - last > READ_WITHIN_MS) return warn(`Last read ${at}, and not since.`, EXPORT)
  return pass(`Last read ${at}.`)
}

function judgeDrops({ accounts, description, definition }: StoreFacts): Verdict {
  if (accounts === null) {
    const why =
      description?.owner == null ? `${definition.name} keeps no accounts yet` : 'an owner lives'
    return unknown(`What became of facts is not settled: ${why}.`, METRICS)
  }
  const { dropped, unaccounted, offered } = accounts
  const lost = countsText(dropped)
  const bound = unaccounted.atMost === null ? 'an unknown number' : `at most ${unaccounted.atMost}`
  if (lost !== '') return warn(`Of ${plural(offered, 'fact')} were dropped: ${lost}.`, LOOK)
  if (unaccounted.runs > 0)
    return warn(`None was counted as dropped; unaccounted after kills: ${bound}.`, LOOK)
  return pass(`None of ${plural(offered, 'fact')} was dropped.`)
}

const ERRORS = [
  'writeErrors',
  'scanErrors',
  'recoveryErrors',
  'compactionErrors',
  'rotationErrors',
] as const satisfies readonly MetricKey[]

function judgeErrors({ description }: StoreFacts): Verdict {
  if (description === null) return unknown('The store was not read.')
  const { sinceReset, resetAt, totals } = description.metrics
  const counted = Object.fromEntries(ERRORS.map((key) => [key, sinceReset[key]]))
  const since = resetAt === null ? 'since the store was created' : 'since the last reset'
  const said = countsText(counted)
  if (said === '')
    return pass(`No errors ${since}; ${plural(totals.recordsWritten, 'record')} written in all.`)
  return warn(`${said}, ${since}.`, papyra('metrics', 'reset'))
}

function judgeRecoveries({ description }: StoreFacts): Verdict {
  if (description === null) return unknown('The store was not read.')
  const { recoveries, recordsLost } = description.metrics.sinceReset
  if (recoveries === 0) return pass('There was no recovery.')
  return warn(
    `${plural(recoveries, 'recovery')}, ${plural(recordsLost, 'record')} lost.`,
    papyra('metrics', 'reset'),
  )
}

function judgeGroups(
  { groups, hasGroups }: StoreFacts,
  judge: (groups: readonly GroupDescription[]) => Verdict,
): Verdict {
  if (!hasGroups) return skip('It has no consumer groups.')
  if (groups === null)
    return unknown('The groups could not be listed.', papyra('inspect', 'groups'))
  return groups.length === 0 ? pass('There are no groups.') : judge(groups)
}

const names = (groups: readonly GroupDescription[]): string =>
  groups.map(({ kind, group }) => `${kind}/${group}`).join(', ')

function judgePending(facts: StoreFacts): Verdict {
  return judgeGroups(facts, (groups) => {
    const rising = groups.filter(({ pending, samples }) => {
      const before = samples.at(0)?.pending
      return pending > 0 && before !== undefined && samples.length > 1 && pending >= before
    })
    const unseen = groups.filter(({ pending, samples }) => pending > 0 && samples.length < 2)
    const work = otherwise(`Let the consumers of ${names(rising)} acknowledge what they handled.`)
    if (rising.length > 0) return fail(`Pending does not fall: ${names(rising)}.`, work)
    if (unseen.length > 0)
      return unknown(
        `No two samples yet: ${names(unseen)}.`,
        otherwise('Let a consumer run: it samples.'),
      )
    const pending = groups.reduce((sum, group) => sum + group.pending, 0)
    return pass(`${pending} pending in ${plural(groups.length, 'group')}, and falling.`)
  })
}

function judgeAbandoned(facts: StoreFacts): Verdict {
  return judgeGroups(facts, (groups) => {
    const alone = groups.filter(({ abandoned }) => abandoned)
    if (alone.length === 0) return pass('Each group has a consumer, or nothing to do.')
    const [{ kind, group } = { kind: '', group: '' }] = alone
    const mend = papyra('groups', 'remove', '--kind', kind, '--group', group)
    return fail(`Abandoned: ${names(alone)}.`, mend)
  })
}

function judgeClaims(facts: StoreFacts): Verdict {
  return judgeGroups(facts, (groups) => {
    // Without a consumer nobody can claim: that is the matter of `groups.abandoned`.
    const never = groups.filter(
      ({ lastClaim, consumers }) => lastClaim === null && consumers.length > 0,
    )
    if (never.length === 0) return pass('Each group with a consumer has claimed before.')
    return unknown(
      `Never claimed: ${names(never)}.`,
      otherwise(
        'Let a consumer run with `claimEveryMs`, and stop another one that holds records: it claims them.',
      ),
    )
  })
}

export const WATCH_ITEMS: readonly Item[] = [
  {
    id: 'metrics.read',
    chapter: 5,
    why: 'Numbers that nobody reads warn nobody.',
    judge: judgeRead,
  },
  { id: 'facts.dropped', chapter: 5, why: 'Is data being dropped?', judge: judgeDrops },
  {
    id: 'errors.none',
    chapter: 5,
    why: 'Errors that are counted want a reason.',
    judge: judgeErrors,
  },
  {
    id: 'recovery.expected',
    chapter: 5,
    why: 'Is recovery happening unexpectedly?',
    judge: judgeRecoveries,
  },
  {
    id: 'groups.pending',
    chapter: 6,
    why: 'Pending records have to trend toward zero.',
    judge: judgePending,
  },
  {
    id: 'groups.abandoned',
    chapter: 6,
    why: 'What nobody consumes piles up.',
    judge: judgeAbandoned,
  },
  {
    id: 'groups.claimed',
    chapter: 6,
    why: 'Claims have to work before a consumer dies.',
    judge: judgeClaims,
  },
]
