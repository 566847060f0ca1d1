import { isRecordKind, type DropSummary, type Notice, type RecordKind } from '@papyra/contracts'
import { verdict, type RetentionPlan } from '@papyra/retention'
import { rawGroups, vanishedOf } from './groups/describe.js'
import type { KnownGroup } from './meta.js'
import { mergedEntries } from './pages.js'
import type { Store } from './store.js'

/** Up to where records of a kind may go, and which group of consumers says so. */
export interface Bound {
  readonly group: string
  /** The first number that it has not handled. */
  readonly below: number
}

export type Bounds = ReadonlyMap<string, Bound>

/** For each kind that a group holds back: the one that has handled least. */
export async function boundsOf(store: Store): Promise<Bounds> {
  const bounds = new Map<string, Bound>()
  const { kinds, groups } = await store.meta()
  for (const { kind } of kinds) {
    const bound = await boundOf(store, kind, groups)
    if (bound !== null) bounds.set(kind, bound)
  }
  return bounds
}

async function boundOf(
  store: Store,
  kind: string,
  known: readonly KnownGroup[],
): Promise<Bound | null> {
  const raw = await rawGroups(store, kind)
  let least: Bound | null = null
  // One that vanished goes on where it was when a consumer comes.
  for (const { group, done } of vanishedOf(kind, raw, known)) {
    if (done + 1 < (least?.below ?? Infinity)) least = { group, below: done + 1 }
  }
  for (const { group, rows, next } of raw) {
    const below = Math.min(rows[0]?.seq ?? Infinity, next?.seq ?? Infinity)
    if (below < (least?.below ?? Infinity)) least = { group, below }
  }
  return least
}

/** What goes of a plan if nothing goes from these numbers on. */
export async function heldBack(
  store: Store,
  plan: RetentionPlan,
  belowOf: (kind: string) => number,
): Promise<readonly DropSummary[]> {
  const kept: DropSummary[] = []
  for (const kind of new Set(plan.dropped.map((one) => one.kind))) {
    const own = plan.dropped.filter((one) => one.kind === kind)
    const last = Math.max(...own.map(({ seq }) => seq.last))
    if (last < belowOf(kind)) kept.push(...own)
    else kept.push(...(await countBelow(store, plan, kind, belowOf(kind))))
  }
  const order = ({ kind, limit }: DropSummary): number =>
    plan.dropped.findIndex((one) => one.kind === kind && one.limit === limit)
  return kept.sort((a, b) => order(a) - order(b))
}

async function countBelow(
  store: Store,
  plan: RetentionPlan,
  kind: string,
  below: number,
): Promise<DropSummary[]> {
  const drops = new Drops()
  const span = { kinds: [kind], from: 1, to: below - 1, order: 'oldest' } as const
  for await (const batch of mergedEntries(store, span)) {
    for (const { record } of batch) if (record !== null) drops.add(plan, record)
  }
  return [...drops.all]
}

/** What goes, by kind and limit, counted record by record. */
export class Drops {
  readonly #sums: Map<string, DropSummary> = new Map()

  get all(): Iterable<DropSummary> {
    return this.#sums.values()
  }

  add(plan: RetentionPlan, record: Parameters<typeof verdict>[1]): void {
    const { kind, seq, bytes } = record
    const said = verdict(plan, record)
    if (said === null) return
    const key = `${kind} ${said.limit}`
    const known = this.#sums.get(key)
    this.#sums.set(key, {
      ...{ kind, ...said },
      records: (known?.records ?? 0) + 1,
      bytes: (known?.bytes ?? 0) + bytes,
      seq: { first: known?.seq.first ?? seq, last: seq },
    })
  }
}

/** Says which group holds back how much of what the policy hides. */
export function heldNotices(
  store: Store,
  plan: RetentionPlan,
  dropped: readonly DropSummary[],
  bounds: Bounds,
): Notice[] {
  return [...bounds].flatMap(([kind, { group, below }]): Notice[] => {
    const count = recordsOf(plan.dropped, kind) - recordsOf(dropped, kind)
    if (count <= 0) return []
    const detail = `The group ${group} has not handled the ${kind} records from ${below} on; ${count} that the policy hides stay.`
    const path = store.keys.stream(kind)
    return [
      {
        code: 'held_by_group',
        path,
        offset: null,
        seq: { first: below, last: below },
        count,
        detail,
      },
    ]
  })
}

export function recordsOf(dropped: readonly DropSummary[], kind: string): number {
  return dropped.reduce((sum, one) => sum + (one.kind === kind ? one.records : 0), 0)
}

/** The bounds as a plan's id has them. */
export function belowOf(bounds: Bounds): Partial<Record<RecordKind, number>> {
  return Object.fromEntries(
    [...bounds].flatMap(([kind, { below }]) => (isRecordKind(kind) ? [[kind, below]] : [])),
  )
}
