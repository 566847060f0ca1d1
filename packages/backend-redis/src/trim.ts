import type { CompactOptions, DropSummary, StoredRecord } from '@papyra/contracts'
import { verdict, type RetentionPlan } from '@papyra/retention'
import type { Argument } from './connection.js'
import type { Entry } from './entry.js'
import { holeWords } from './health.js'
import { Drops } from './held.js'
import { coverThrough, joinHoles, type Hole, type Holes } from './holes.js'
import { longerHistory, stored, type KindState, type Meta } from './meta.js'
import { Pace } from './pace.js'
import { mergedEntries } from './pages.js'
import type { Store } from './store.js'

/** How far a trim may go. */
export interface How {
  /** Of a kind nothing from this number on goes; `Infinity` if nothing is said. */
  below(kind: string): number
}

/** What a trim took. */
export interface Gone {
  readonly records: number
  readonly bytes: number
  readonly dropped: readonly DropSummary[]
  /** Records that a group had not handled, by kind and group. */
  readonly unhandled: ReadonlyMap<string, ReadonlyMap<string, number>>
}

/**
 * Carries out a plan in small steps: the oldest records of a kind by exact trims, what stands behind
 * a record that stays by deletes. Each step records in the same moment what it took.
 */
export class Trim {
  readonly #store: Store
  readonly #plan: RetentionPlan
  readonly #meta: Meta
  readonly #pace: Pace
  readonly #how: How & Pick<CompactOptions, 'ignoreGroups' | 'approximate'>
  readonly #drops: Drops = new Drops()
  readonly #unhandled: Map<string, Map<string, number>> = new Map()
  #rev: string
  #records = 0
  #bytes = 0

  constructor(store: Store, plan: RetentionPlan, meta: Meta, options: CompactOptions & How) {
    this.#store = store
    this.#plan = plan
    this.#meta = meta
    this.#how = options
    this.#rev = meta.rev
    this.#pace = new Pace(options, 'compact', stored(meta).bytes)
  }

  /** True once a step was made. */
  get begun(): boolean {
    return this.#rev !== this.#meta.rev
  }

  async run(): Promise<Gone> {
    for (const state of this.#meta.kinds) {
      const own = this.#plan.dropped.filter(({ kind }) => kind === state.kind)
      if (own.length === 0) continue
      const last = Math.max(...own.map(({ seq }) => seq.last))
      await this.#kind(state, Math.min(last, this.#how.below(state.kind) - 1))
    }
    const [records, bytes, unhandled] = [this.#records, this.#bytes, this.#unhandled]
    return { records, bytes, dropped: [...this.#drops.all], unhandled }
  }

  /** The last step, which records the run. */
  async finish(words: readonly Argument[]): Promise<void> {
    await this.#store.maintain({ rev: this.#rev }, [], words)
  }

  async #kind({ kind, holes: known }: KindState, last: number): Promise<void> {
    let holes = known
    let prefix = true
    const span = { kinds: [kind], from: 1, to: last, order: 'oldest' } as const
    for await (const batch of mergedEntries(this.#store, span)) {
      const step = this.#decide(batch, prefix)
      prefix = step.prefix
      await this.#pace.step(step.size, batch.length)
      if (step.through === null && step.ids.length === 0) {
        if (!prefix && this.#how.approximate === true) return
        continue
      }
      const { through } = step
      if (through !== null) holes = coverThrough(holes, through.place, through.bytes)
      holes = joinHoles(holes, step.holes)
      // A group that came since the plan was made holds the rest up.
      if (!(await this.#step(kind, step, holes))) return
    }
  }

  #decide(batch: readonly Entry[], wasPrefix: boolean): Step {
    let prefix = wasPrefix
    let through: Step['through'] = null
    const [ids, holes]: [string[], Hole[]] = [[], []]
    const taken: StoredRecord[] = []
    let size = 0
    for (const entry of batch) {
      size += entry.size
      const { record, totals } = entry
      if (record === null || totals === null) continue
      if (verdict(this.#plan, record) === null) {
        prefix = false
        continue
      }
      if (!prefix && this.#how.approximate === true) continue
      taken.push(record)
      const place = totals.records
      if (prefix) through = { seq: record.seq, place, bytes: totals.bytes }
      else {
        ids.push(entry.id)
        holes.push({ first: place, last: place, bytes: record.bytes })
      }
    }
    return { prefix, through, ids, holes: joinHoles([], holes), taken, size }
  }

  /** False if a group of consumers has not handled all of it: then nothing was done. */
  async #step(kind: string, step: Step, holes: Holes): Promise<boolean> {
    const { through, ids, taken } = step
    const bytes = taken.reduce((sum, record) => sum + record.bytes, 0)
    const last = taken.at(-1)?.seq ?? 0
    const records = taken.length
    const words: Argument[] = []
    if (this.#how.ignoreGroups === true) words.push('tally', 3, records, ...taken.map(seqOf))
    else words.push('require', 3, `${last + 1}-0`, kind)
    if (through !== null) words.push('trim', 3, `${through.seq + 1}-0`)
    if (ids.length > 0) words.push('delete', 3, ids.length, ...ids)
    words.push(...holeWords(kind, holes), 'raise', 'compacted_through', last)
    words.push('add', 'm:recordsDropped', records, 'add', 'm:bytesReclaimed', bytes)
    if (!this.begun) words.push('add', 'generation', 1, 'set', 'history', this.#began())
    const key = this.#store.keys.stream(kind)
    const done = await this.#store.maintainHeld({ rev: this.#rev }, [key], words)
    if (done.held !== null) return false
    this.#rev = done.rev
    this.#records += records
    this.#bytes += bytes
    for (const record of taken) this.#drops.add(this.#plan, record)
    const known = this.#unhandled.get(kind) ?? new Map<string, number>()
    for (const [group, count] of done.unhandled) known.set(group, (known.get(group) ?? 0) + count)
    this.#unhandled.set(kind, known)
    return true
  }

  /** What the history tells of a run that was stopped on the way. */
  #began(): string {
    return longerHistory(this.#meta, {
      ...{ what: 'compaction', at: this.#store.clock.now() },
      ...{ generation: this.#meta.generation + 1, recordsRemoved: 0, bytesRemoved: 0 },
      detail: 'begun; what it removed is among the totals',
    })
  }
}

interface Step {
  /** True if nothing of the kind was kept so far. */
  readonly prefix: boolean
  /** The last record up to which everything goes; `null` if there is none in this batch. */
  readonly through: { readonly seq: number; readonly place: number; readonly bytes: number } | null
  /** What goes behind a record that stays. */
  readonly ids: readonly string[]
  readonly holes: Holes
  /** All that goes. */
  readonly taken: readonly StoredRecord[]
  readonly size: number
}

function seqOf({ seq }: StoredRecord): number {
  return seq
}
