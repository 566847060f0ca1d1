import { isPapyraError, type SeqRange } from '@papyra/contracts'
import type { Argument } from './connection.js'
import { coverThrough, formatHoles, sizeOfHoles, type Holes } from './holes.js'
import { expectedLength } from './scan.js'
import type { Look, Store, StreamState } from './store.js'

/** What can be told of a stream by its ends and its length alone. */
export type Health =
  | { readonly is: 'whole' }
  /** The oldest records were trimmed from outside; everything behind them is there. */
  | { readonly is: 'trimmed'; readonly holes: Holes; readonly records: number }
  /** Something else is wrong: a scan tells what. */
  | { readonly is: 'damaged'; readonly missing: number }

export function healthOf(stream: StreamState, seq: number): Health {
  const { state, length, first, exists, top, maxDeleted } = stream
  const missing = expectedLength(state) - length
  if (missing === 0) return top <= seq ? { is: 'whole' } : { is: 'damaged', missing: 0 }
  const damaged = { is: 'damaged', missing } as const
  if (missing < 0 || !exists || top > seq) return damaged
  if (length === 0) {
    if (maxDeleted >= top) return damaged
    const all = coverThrough(state.holes, state.added, state.addedBytes)
    return { is: 'trimmed', holes: all, records: missing }
  }
  if (first?.record == null || first.totals === null) return damaged
  const { records: place, bytes } = first.totals
  const holes = coverThrough(state.holes, place - 1, bytes - first.record.bytes)
  const more = sizeOfHoles(holes) - sizeOfHoles(state.holes)
  return more === missing ? { is: 'trimmed', holes, records: missing } : damaged
}

/** What a step of maintenance has to say to record these holes. */
export function holeWords(kind: string, holes: Holes): Argument[] {
  const text = formatHoles(holes)
  return ['set', `holes:${kind}`, text, 'set', `gone:${kind}`, sizeOfHoles(holes)]
}

/** What is wrong with a store, at a glance. */
export interface Glance {
  readonly damaged: readonly string[]
  readonly missing: number
  readonly trimmed: readonly string[]
}

/** Looks at the ends of the streams; counts trims from outside, where they are allowed. */
export async function glance(store: Store, look: Look, trimsAllowed: boolean): Promise<Glance> {
  const { meta, streams } = look
  const [damaged, trimmed]: [string[], string[]] = [[], []]
  let missing = 0
  const words: Argument[] = []
  for (const stream of streams) {
    const health = healthOf(stream, meta.seq)
    const { kind } = stream.state
    if (health.is === 'whole') continue
    if (health.is === 'trimmed') {
      trimmed.push(kind)
      words.push(...holeWords(kind, health.holes), 'add', `trimmed:${kind}`, health.records)
      if (trimsAllowed) continue
      missing += health.records
    } else missing += health.missing
    damaged.push(kind)
  }
  if (trimsAllowed && words.length > 0) await count(store, look, words)
  return { damaged, missing, trimmed }
}

/** If another process was first, it has counted the same; the next look tells. */
async function count(store: Store, { meta }: Look, words: readonly Argument[]): Promise<void> {
  await store.maintain(meta, [], words).catch((error: unknown) => {
    if (!isPapyraError(error, 'stale_plan')) throw error
  })
}

/** Notes a loss that a writer noticed, so that every later scan tells it until it is accepted. */
export async function suspect(store: Store, seq: SeqRange): Promise<void> {
  const note = JSON.stringify({ seq, at: store.clock.now() })
  await store.maintain(null, [], ['set', 'suspect', note, 'raise', 'seq', seq.last])
}
