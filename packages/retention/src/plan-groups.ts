import { isRecordKind, throwIfAborted, type DropSummary, type SeqRange } from '@papyra/contracts'
import type { Amount, PlanRule, RetentionPlan } from './plan-types.js'
import { ruleFor } from './plan.js'
import { kindsUpTo, olderThan, type KindSummary, type Summary } from './summary.js'

/** What a plan does with one group of records, such as a segment. */
export interface GroupPlan<S extends Summary = Summary> {
  readonly group: S
  /** `keep`: nothing goes; `drop`: everything goes; `rewrite`: something goes and something stays. */
  readonly action: 'keep' | 'drop' | 'rewrite'
  /** What each limit takes from each kind in it. */
  readonly dropped: readonly DropSummary[]
  readonly kept: Amount
  /** The least and the greatest number that stays, and that goes; `null` if none does. */
  readonly keptSeq: SeqRange | null
  readonly droppedSeq: SeqRange | null
}

/**
 * What a plan does with each of these groups, in the order in which they are given. A group is read
 * only where a rule cuts through one of its kinds; one that goes as a whole is not. Records that the
 * plan has not seen stay. Rejects with `aborted`.
 */
export async function planGroups<S extends Summary>(
  plan: RetentionPlan,
  groups: Iterable<S>,
  options: { readonly signal?: AbortSignal } = {},
): Promise<GroupPlan<S>[]> {
  const plans: GroupPlan<S>[] = []
  for (const group of groups) {
    throwIfAborted(options.signal)
    const sums = sumsUnread(plan, group) ?? (await sumsRead(plan, group, options))
    plans.push(toGroupPlan(plan, group, sums))
  }
  return plans
}

interface Part {
  readonly kind: string
  readonly rule: PlanRule | null
  readonly records: number
  readonly bytes: number
  readonly seq: SeqRange
}

/** What becomes of the records: one part for a kind and the rule that takes it, or none. */
function sumsUnread(plan: RetentionPlan, group: Pick<Summary, 'kinds'>): Part[] | null {
  const judged = kindsUpTo(group.kinds, plan.newestSeq)
  if (judged === null) return null
  const parts: Part[] = []
  for (const summary of group.kinds) {
    if (summary.records === 0) continue
    const rule = judged.includes(summary) ? ruleForAll(plan, summary) : null
    if (rule === undefined) return null
    const { kind, records, bytes, firstSeq, lastSeq } = summary
    parts.push({ kind, rule, records, bytes, seq: { first: firstSeq, last: lastSeq } })
  }
  return parts
}

/** The rule that drops all records of a kind, `null` if all are kept, `undefined` if they differ. */
function ruleForAll(plan: RetentionPlan, summary: KindSummary): PlanRule | null | undefined {
  const { kind, firstSeq, lastSeq } = summary
  if (!isRecordKind(kind)) return null
  for (const rule of plan.rules[kind]) {
    if (rule.reason === 'age') {
      const older = olderThan(summary, rule.before)
      if (older === 'some') return undefined
      if (older === 'all') return rule
    } else if (lastSeq < rule.below) return rule
    else if (firstSeq < rule.below) return undefined
  }
  return null
}

async function sumsRead(
  plan: RetentionPlan,
  group: Summary,
  options: { readonly signal?: AbortSignal },
): Promise<Part[]> {
  const parts = new Map<string, Part>()
  if (group.parts !== undefined) {
    for await (const smaller of group.parts(options)) {
      const sums = sumsUnread(plan, smaller) ?? (await sumsRead(plan, smaller, options))
      for (const part of sums) addTo(parts, part)
    }
    return [...parts.values()]
  }
  for await (const batch of group.metas(options)) {
    throwIfAborted(options.signal)
    for (const meta of batch) {
      const { kind, seq, bytes } = meta
      const rule = ruleFor(plan, meta)
      addTo(parts, { kind, rule, records: 1, bytes, seq: { first: seq, last: seq } })
    }
  }
  return [...parts.values()]
}

function addTo(parts: Map<string, Part>, part: Part): void {
  const { kind, rule, records, bytes, seq } = part
  const key = `${rule?.limit ?? ''} ${kind}`
  const known = parts.get(key)
  if (known === undefined) {
    parts.set(key, part)
    return
  }
  parts.set(key, {
    kind,
    rule,
    records: known.records + records,
    bytes: known.bytes + bytes,
    seq: { first: Math.min(known.seq.first, seq.first), last: Math.max(known.seq.last, seq.last) },
  })
}

/**
 * What becomes of records of which only the figures are known: true if all stay, false if none does,
 * `null` if the plan does not treat them alike, or if it cannot be told.
 */
export function keepsKinds(plan: RetentionPlan, kinds: readonly KindSummary[]): boolean | null {
  const parts = sumsUnread(plan, { kinds })
  if (parts === null) return null
  if (parts.every(({ rule }) => rule === null)) return true
  return parts.every(({ rule }) => rule !== null) ? false : null
}

function toGroupPlan<S extends Summary>(
  plan: RetentionPlan,
  group: S,
  parts: readonly Part[],
): GroupPlan<S> {
  const kept = parts.filter(({ rule }) => rule === null)
  const gone = parts.filter(({ rule }) => rule !== null)
  const action = gone.length === 0 ? 'keep' : kept.length === 0 ? 'drop' : 'rewrite'
  const dropped = gone
    .flatMap(({ rule, kind, records, bytes, seq }) =>
      rule === null ? [] : [{ kind, reason: rule.reason, limit: rule.limit, records, bytes, seq }],
    )
    .sort((a, b) => place(plan, a) - place(plan, b))
  return {
    group,
    action,
    dropped,
    kept: {
      records: kept.reduce((sum, part) => sum + part.records, 0),
      bytes: kept.reduce((sum, part) => sum + part.bytes, 0),
    },
    keptSeq: rangeOf(kept),
    droppedSeq: rangeOf(gone),
  }
}

/** Where the plan lists it: summaries come in the order of its own. */
function place({ dropped }: RetentionPlan, { kind, limit }: DropSummary): number {
  return dropped.findIndex((summary) => summary.kind === kind && summary.limit === limit)
}

function rangeOf(parts: readonly Part[]): SeqRange | null {
  if (parts.length === 0) return null
  return {
    first: Math.min(...parts.map(({ seq }) => seq.first)),
    last: Math.max(...parts.map(({ seq }) => seq.last)),
  }
}
