import {
  isRecordKind,
  type CompactionReport,
  type CompactOptions,
  type RetentionLimits,
  type RetentionPolicy,
  type StoredRecord,
} from '@papyra/contracts'
import { ArrayBackend } from '../array-backend/array-backend.js'
import { soundParts, type CompactParts } from '../array-backend/compact.js'
import { isUsable, plan, type Plan } from '../array-backend/retain.js'
import type { Recipe } from '../array-backend/subject.js'
import { made, type Variant } from './variant.js'

/** A backend whose compaction has other parts. */
function withParts(parts: Partial<CompactParts>): Recipe {
  return made(
    class extends ArrayBackend {
      override compactParts: CompactParts = { ...soundParts, ...parts }
    },
  )
}

type Planner = CompactParts['plan']

/** Plans with records that are taken for something else. */
function seenAs(look: (record: StoredRecord, now: number) => StoredRecord): Planner {
  return (records, policy, now) => {
    const real = new Map(records.map((record) => [look(record, now), record]))
    const { kept, ...rest } = plan([...real.keys()], policy, now)
    return { ...rest, kept: new Set([...kept].flatMap((one) => real.get(one) ?? [])) }
  }
}

/** Applies one policy after the other. */
function inTurn(split: (policy: RetentionPolicy) => readonly RetentionPolicy[]): Planner {
  return (records, policy, now) => {
    let result: Plan = { kept: new Set(records), dropped: [], unmet: [] }
    for (const part of split(policy)) {
      const left = records.filter((record) => result.kept.has(record))
      const next = plan(left, part, now)
      result = { ...next, dropped: [...result.dropped, ...next.dropped] }
    }
    return result
  }
}

const withoutPerKind = ({ perKind: _perKind, ...rest }: RetentionPolicy): RetentionPolicy => rest

/** Limits of the same names that never take anything. */
function boundless({ perKind = {} }: RetentionPolicy): NonNullable<RetentionPolicy['perKind']> {
  const none = (limits: RetentionLimits): RetentionLimits =>
    Object.fromEntries(Object.keys(limits).map((key) => [key, Number.MAX_SAFE_INTEGER]))
  return Object.fromEntries(Object.entries(perKind).map(([kind, limits]) => [kind, none(limits)]))
}

/** Goes on with smaller records after one that does not fit. */
const fillsGaps: Planner = (records, policy, now) => {
  const { maxTotalBytes: max, ...rest } = policy
  const result = plan(records, policy, now)
  if (max === undefined || policy.perKind !== undefined) return result
  let room = max
  const kept = [...plan(records, rest, now).kept].reverse().filter(({ bytes }, index) => {
    if (bytes > room && index > 0) return false
    room -= bytes
    return true
  })
  return { ...result, kept: new Set(kept) }
}

const dropsNewestByBytes: Planner = (records, policy, now) => {
  const result = plan(records, policy, now)
  const newest = records.at(-1)
  const kept = new Set(result.kept)
  const max = policy.maxTotalBytes ?? Number.POSITIVE_INFINITY
  if (newest !== undefined && newest.bytes > max) kept.delete(newest)
  return { ...result, kept }
}

class ReusesNumbers extends ArrayBackend {
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    const report = await super.compact(options)
    const { store } = this
    if (report.changed && !report.dryRun) store.nextSeq = (store.lines.at(-1)?.record.seq ?? 0) + 1
    return report
  }
}

class KeepsNoHistory extends ArrayBackend {
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    const history = [...this.store.history]
    const report = await super.compact(options)
    this.store.history = history
    return report
  }
}

class LosesAppendsMeanwhile extends ArrayBackend {
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    const report = await super.compact(options)
    const lines = [...this.store.lines]
    await new Promise((resolve) => setImmediate(resolve))
    this.store.lines = lines
    return report
  }
}

class HalfDoneOnClose extends ArrayBackend {
  /** Takes the records out before it notes that it did; a close on the way leaves it so. */
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    const report = await super.compact({ ...options, dryRun: true })
    if (options.dryRun === true || !report.changed) return super.compact(options)
    const { lines } = this.store
    this.store.lines = lines.slice(1)
    await Promise.resolve()
    this.checkOpen()
    this.store.lines = lines
    return super.compact(options)
  }
}

class TwoDisturbEachOther extends ArrayBackend {
  running = 0
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    this.running += 1
    if (this.running > 1) throw new TypeError('the temporary file is there already')
    await Promise.resolve()
    return super.compact(options).finally(() => (this.running -= 1))
  }
}

class ForcesAlways extends ArrayBackend {
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    return super.compact({ ...options, force: true })
  }
}

class IgnoresAbort extends ArrayBackend {
  override async compact({
    signal: _signal,
    ...options
  }: CompactOptions): Promise<CompactionReport> {
    return super.compact(options)
  }
}

class DryRunGuesses extends ArrayBackend {
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    const report = await super.compact(options)
    if (!report.dryRun) return report
    return { ...report, bytes: { ...report.bytes, after: report.bytes.after + 1 } }
  }
}

class AlwaysChanges extends ArrayBackend {
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    const report = await super.compact(options)
    if (!report.changed && !report.dryRun) this.store.generation += 1
    return { ...report, changed: true }
  }
}

class TellsNoReasons extends ArrayBackend {
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    const report = await super.compact(options)
    return { ...report, dropped: report.dropped.map((entry) => ({ ...entry, limit: 'policy' })) }
  }
}

class HidesUnmetLimits extends ArrayBackend {
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    return { ...(await super.compact(options)), unmet: [] }
  }
}

class KeepsMarkAtZero extends ArrayBackend {
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    const report = await super.compact(options)
    this.store.compactedThrough = 0
    return report
  }
}

const rule: readonly Variant[] = [
  {
    bug: 'a flood of events evicts dead letters',
    recipe: withParts({
      plan: inTurn((policy) => [{ perKind: policy.perKind ?? {} }, withoutPerKind(policy)]),
    }),
    caughtBy: ['retention.events-never-evict-dead-letters', 'retention.unmet-limit'],
  },
  {
    bug: 'limits of the whole log go first',
    recipe: withParts({
      plan: inTurn((policy) => [
        { ...policy, perKind: boundless(policy) },
        { perKind: policy.perKind ?? {} },
      ]),
    }),
    caughtBy: ['retention.per-kind-first', 'retention.unmet-limit'],
  },
  {
    bug: 'limits of a kind are ignored',
    recipe: withParts({
      plan: (records, policy, now) => plan(records, withoutPerKind(policy), now),
    }),
    caughtBy: [
      'plans.exactly-what-it-said',
      'retention.per-kind',
      'retention.per-kind-first',
      'retention.events-never-evict-dead-letters',
      'retention.unmet-limit',
      'retention.drops-explained',
      'compaction.while-appending',
      'scan.clean-after-compaction',
    ],
  },
  {
    bug: 'records of unknown kinds are dropped',
    recipe: withParts({
      plan: seenAs((record) => ({
        ...record,
        kind: isRecordKind(record.kind) ? record.kind : 'event',
      })),
    }),
    caughtBy: ['retention.unknown-kinds-kept'],
  },
  {
    bug: 'a record of exactly the greatest age is dropped',
    recipe: withParts({ plan: (records, policy, now) => plan(records, policy, now + 1) }),
    caughtBy: ['retention.age-boundary', 'plans.exactly-what-it-said'],
  },
  {
    bug: 'undated records count as old',
    recipe: withParts({
      plan: seenAs((record, now) => ({
        ...record,
        timestamp: isUsable(record.timestamp, now) ? record.timestamp : Date.UTC(2000, 0),
      })),
    }),
    caughtBy: ['retention.undated-kept', 'retention.future-kept'],
  },
  {
    bug: 'count goes before age',
    recipe: withParts({
      plan: inTurn(({ maxAgeSeconds, ...sizes }) => [
        sizes,
        maxAgeSeconds === undefined ? {} : { maxAgeSeconds },
      ]),
    }),
    caughtBy: ['retention.order-age-first', 'retention.unmet-limit'],
  },
  {
    bug: 'a byte limit keeps small old records behind a large one',
    recipe: withParts({ plan: fillsGaps }),
    caughtBy: ['retention.bytes-suffix', 'retention.bytes'],
  },
  {
    bug: 'a byte limit drops the newest record',
    recipe: withParts({ plan: dropsNewestByBytes }),
    caughtBy: ['retention.bytes-keep-newest'],
  },
  {
    bug: 'drops are not explained',
    recipe: made(TellsNoReasons),
    caughtBy: ['retention.drops-explained', 'compaction.history-tells'],
  },
  {
    bug: 'unmet limits are not told',
    recipe: made(HidesUnmetLimits),
    caughtBy: ['retention.unmet-limit'],
  },
]

const act: readonly Variant[] = [
  {
    bug: 'a dry run deletes',
    recipe: withParts({ writesOnDryRun: true }),
    caughtBy: [
      'compaction.dry-run-changes-nothing',
      'compaction.dry-run-foretells',
      'compaction.idle-runs-keep-plans',
      'metrics.dry-run-not-counted',
      'plans.exactly-what-it-said',
      'plans.other-policy-refused',
      'plans.stale-after-compaction',
      'plans.survive-reopen',
    ],
  },
  {
    bug: 'a dry run guesses the size',
    recipe: made(DryRunGuesses),
    caughtBy: ['compaction.dry-run-foretells'],
  },
  {
    bug: 'compaction parses and prints again',
    recipe: withParts({
      copy: ({ record, state }) => {
        const json = JSON.stringify(JSON.parse(record.json))
        return { state, record: { ...record, json, bytes: Buffer.byteLength(json) + 1 } }
      },
    }),
    caughtBy: ['compaction.kept-byte-identical'],
  },
  {
    bug: 'numbers are used again after compaction',
    recipe: made(ReusesNumbers),
    caughtBy: ['compaction.numbers-never-reused'],
  },
  {
    bug: 'the history leaves compactions out',
    recipe: made(KeepsNoHistory),
    caughtBy: ['compaction.recorded', 'compaction.history-tells', 'compaction.idle-runs-recorded'],
  },
  {
    bug: 'a close on the way leaves it half done',
    recipe: made(HalfDoneOnClose),
    caughtBy: ['compaction.close-meanwhile'],
    widespread: true,
  },
  {
    bug: 'two at the same time disturb each other',
    recipe: made(TwoDisturbEachOther),
    caughtBy: ['compaction.one-at-a-time'],
    widespread: true,
  },
  {
    bug: 'what is appended meanwhile is lost',
    recipe: made(LosesAppendsMeanwhile),
    caughtBy: ['compaction.while-appending'],
  },
  {
    bug: 'a run that has nothing to do changes the store',
    recipe: made(AlwaysChanges),
    caughtBy: [
      'compaction.second-run-changes-nothing',
      'compaction.idle-runs-recorded',
      'plans.of-nothing',
    ],
  },
  {
    bug: 'runs that removed nothing flood the history',
    recipe: withParts({
      idle: (store, run) => {
        if (run.trigger !== 'request') store.history.push(run)
      },
    }),
    caughtBy: ['compaction.idle-runs-recorded'],
  },
  {
    bug: 'runs that removed nothing are not recorded',
    recipe: withParts({ idle: () => undefined }),
    caughtBy: ['compaction.idle-runs-recorded'],
  },
  {
    bug: 'a run that removed nothing makes plans stale',
    recipe: withParts({
      idle: (store, run) => {
        soundParts.idle(store, run)
        store.totals.compactions += 1
      },
    }),
    caughtBy: ['compaction.idle-runs-keep-plans'],
  },
  {
    bug: 'gaps of compaction look like damage',
    recipe: made(KeepsMarkAtZero),
    caughtBy: ['scan.clean-after-compaction', 'compaction.recorded', 'compaction.survives-reopen'],
    widespread: true,
  },
]

const refusal: readonly Variant[] = [
  {
    bug: 'every compaction is forced',
    recipe: made(ForcesAlways),
    caughtBy: [
      'compaction.drop-all-refused',
      'compaction.clock-ahead-refused',
      'compaction.clock-behind-refused',
    ],
  },
  {
    bug: 'the clock is always trusted',
    recipe: withParts({ clockIsSuspect: () => false }),
    caughtBy: ['compaction.clock-ahead-refused', 'compaction.clock-behind-refused'],
  },
  {
    bug: 'the clock is never trusted after a day',
    recipe: withParts({
      clockIsSuspect: (backend) =>
        soundParts.clockIsSuspect(backend) || backend.handle.clock.monotonic() > 80_000_000,
    }),
    caughtBy: ['compaction.steady-clock-accepted'],
  },
  {
    bug: 'invalid policies are taken for no limit',
    recipe: withParts({ check: () => undefined }),
    caughtBy: ['compaction.invalid-policy-refused'],
  },
  {
    bug: 'the signal is ignored by compaction',
    recipe: made(IgnoresAbort),
    caughtBy: ['compaction.abort'],
  },
]

export const compactionVariants: readonly Variant[] = [...rule, ...act, ...refusal]
