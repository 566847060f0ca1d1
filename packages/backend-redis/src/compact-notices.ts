import type { DropSummary, Notice } from '@papyra/contracts'
import type { RetentionPlan } from '@papyra/retention'
import { heldNotices, recordsOf, type Bounds } from './held.js'
import type { Store } from './store.js'
import type { Gone } from './trim.js'

interface Decided {
  readonly plan: RetentionPlan
  /** What was to go. */
  readonly dropped: readonly DropSummary[]
  readonly bounds: Bounds
}

/** What is to be told of a compaction besides its figures. */
export function noticesOf(
  store: Store,
  { plan, dropped, bounds }: Decided,
  gone: Gone,
): readonly Notice[] {
  return [
    ...undated(store, plan),
    ...heldNotices(store, plan, dropped, bounds),
    ...rest(store, dropped, gone),
    ...unhandled(store, gone),
  ]
}

function undated(store: Store, { undated: { records, seq } }: RetentionPlan): Notice[] {
  if (records === 0) return []
  const detail = `${records} records have no usable time; an age limit never removes them.`
  const path = store.keys.tag
  return [{ code: 'unusable_timestamp', path, offset: null, seq, count: records, detail }]
}

/** What was to go and stayed: an approximate run takes no single records. */
function rest(store: Store, dropped: readonly DropSummary[], gone: Gone): Notice[] {
  return [...new Set(dropped.map(({ kind }) => kind))].flatMap((kind): Notice[] => {
    const count = recordsOf(dropped, kind) - recordsOf(gone.dropped, kind)
    if (count <= 0) return []
    const detail = `${count} ${kind} records that the policy hides were left: an approximate run, or a group of consumers that came meanwhile.`
    const path = store.keys.stream(kind)
    return [{ code: 'approximate_rest', path, offset: null, seq: null, count, detail }]
  })
}

function unhandled(store: Store, gone: Gone): Notice[] {
  return [...gone.unhandled].flatMap(([kind, groups]) =>
    [...groups].map(([group, count]): Notice => {
      const path = store.keys.stream(kind)
      const detail = `${count} ${kind} records that the group ${group} had not handled were removed, as was asked for.`
      return { code: 'unhandled_removed', path, offset: null, seq: null, count, detail }
    }),
  )
}
