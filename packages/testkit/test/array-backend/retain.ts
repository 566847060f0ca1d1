import {
  PapyraError,
  isRecordKind,
  type DropReason,
  type DropSummary,
  type RetentionLimits,
  type RetentionPolicy,
  type StoredRecord,
  type UnmetLimit,
} from '@papyra/contracts'

const LIMITS = ['maxAgeSeconds', 'maxRecords', 'maxTotalBytes'] as const
const REASONS = { maxAgeSeconds: 'age', maxRecords: 'count', maxTotalBytes: 'bytes' } as const

export interface Plan {
  readonly kept: ReadonlySet<StoredRecord>
  readonly dropped: readonly DropSummary[]
  readonly unmet: readonly UnmetLimit[]
}

function invalid(what: string): PapyraError {
  return new PapyraError('invalid_policy', `${what} is no limit.`)
}

/** Throws `invalid_policy` unless every key is known and every limit is a positive whole number. */
export function checkPolicy(policy: RetentionPolicy): void {
  for (const [key, value] of Object.entries(policy)) {
    if (key !== 'perKind') checkLimit(key, value)
  }
  for (const [kind, limits] of Object.entries(policy.perKind ?? {})) {
    if (!isRecordKind(kind)) throw invalid(kind)
    for (const [key, value] of Object.entries(limits)) checkLimit(key, value)
  }
}

function checkLimit(key: string, value: unknown): void {
  const known = LIMITS.some((limit) => limit === key)
  const whole = typeof value === 'number' && Number.isSafeInteger(value) && value > 0
  if (!known || !whole) throw invalid(`${key} ${String(value)}`)
}

export const isUsable = (timestamp: number, now: number): boolean =>
  timestamp >= Date.UTC(2000, 0) && timestamp <= now + 60_000

/** Collects what goes, limit by limit. */
class Drops {
  left: StoredRecord[]
  readonly summaries: DropSummary[] = []

  constructor(records: readonly StoredRecord[]) {
    this.left = [...records]
  }

  take(goes: (record: StoredRecord) => boolean, reason: DropReason, limit: string): void {
    const gone = this.left.filter(goes)
    this.left = this.left.filter((record) => !gone.includes(record))
    for (const kind of new Set(gone.map((record) => record.kind))) {
      const some = gone.filter((record) => record.kind === kind)
      this.summaries.push({
        kind,
        reason,
        limit,
        records: some.length,
        bytes: some.reduce((bytes, record) => bytes + record.bytes, 0),
        seq: { first: some[0]?.seq ?? 0, last: some.at(-1)?.seq ?? 0 },
      })
    }
  }
}

interface Step {
  readonly limit: (typeof LIMITS)[number]
  readonly max: number
  readonly name: string
  readonly isOwn: (record: StoredRecord) => boolean
  readonly mayTake: (record: StoredRecord) => boolean
}

function apply(drops: Drops, step: Step, now: number): void {
  const { limit, max, isOwn, mayTake } = step
  const reason = REASONS[limit]
  if (limit === 'maxAgeSeconds') {
    const old = ({ timestamp }: StoredRecord): boolean =>
      isUsable(timestamp, now) && now - timestamp > max * 1000
    drops.take(
      (record) => isOwn(record) && isRecordKind(record.kind) && old(record),
      reason,
      step.name,
    )
    return
  }
  const weigh = (record: StoredRecord): number => (limit === 'maxRecords' ? 1 : record.bytes)
  const mine = drops.left.filter(isOwn)
  const fixed = mine.filter((record) => !mayTake(record))
  let room = max - fixed.reduce((all, record) => all + weigh(record), 0)
  const stays = new Set<StoredRecord>(fixed)
  for (const record of mine.filter(mayTake).reverse()) {
    room -= weigh(record)
    const spared = limit === 'maxTotalBytes' && record === mine.at(-1)
    if (room < 0 && !spared) break
    stays.add(record)
  }
  drops.take((record) => isOwn(record) && !stays.has(record), reason, step.name)
}

function stepsOf(policy: RetentionPolicy): Step[] {
  const steps: Step[] = []
  const add = (limits: RetentionLimits, prefix: string, rest: Pick<Step, 'isOwn'>): void => {
    for (const limit of LIMITS) {
      const max = limits[limit]
      if (max === undefined) continue
      const mayTake = ({ kind }: StoredRecord): boolean =>
        isRecordKind(kind) && (prefix !== '' || policy.perKind?.[kind]?.[limit] === undefined)
      steps.push({ limit, max, name: `${prefix}${limit}`, mayTake, ...rest })
    }
  }
  for (const [kind, limits] of Object.entries(policy.perKind ?? {})) {
    add(limits, `perKind.${kind}.`, { isOwn: (record) => record.kind === kind })
  }
  add(policy, '', { isOwn: () => true })
  return steps
}

/** What a policy keeps of the records, given oldest first. */
export function plan(records: readonly StoredRecord[], policy: RetentionPolicy, now: number): Plan {
  const drops = new Drops(records)
  for (const step of stepsOf(policy)) apply(drops, step, now)
  const unmet: UnmetLimit[] = []
  for (const limit of ['maxRecords', 'maxTotalBytes'] as const) {
    const wanted = policy[limit]
    const weights = drops.left.map((record) => (limit === 'maxRecords' ? 1 : record.bytes))
    const actual = weights.reduce((all, weight) => all + weight, 0)
    if (wanted === undefined || actual <= wanted) continue
    unmet.push({ limit, wanted, actual, detail: 'Other kinds have limits of their own.' })
  }
  return { kept: new Set(drops.left), dropped: drops.summaries, unmet }
}
