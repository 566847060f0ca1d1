import { basename } from 'node:path'
import type { CompactionTrigger, DropSummary, HistoryEntry } from '@papyra/contracts'
import { addCounts, recordsIdle, withEntry, withIdleRun } from '../rewrite/ledger.js'
import type { Manifest } from './manifest.js'

/** What one step takes out of the store. */
export interface Taken {
  readonly records: number
  readonly bytes: number
  readonly dropped: readonly DropSummary[]
}

export interface RunFacts {
  /** Wall time in ms at which the run began. */
  readonly at: number
  readonly trigger: CompactionTrigger
  /** So far, in ms. */
  readonly elapsed: () => number
}

/**
 * What one run has taken so far. It goes into the manifest with every step, so that history and
 * totals are right wherever the run ends.
 */
export class RunLedger {
  readonly #facts: RunFacts
  #records: number = 0
  #bytes: number = 0
  #dropped: readonly DropSummary[] = []
  #counted: boolean = false

  constructor(facts: RunFacts) {
    this.#facts = facts
  }

  /** Records that are gone. */
  get records(): number {
    return this.#records
  }

  /** True once a step was committed. */
  get counted(): boolean {
    return this.#counted
  }

  /** The manifest with what this step takes on record; `commit` follows once that is durable. */
  record(now: Manifest, taken: Taken, generation: number): Manifest {
    const counts = {
      compactions: this.#counted ? 0 : 1,
      recordsDropped: taken.records,
      bytesReclaimed: taken.bytes,
    }
    const { totals } = now
    return {
      ...now,
      generation,
      totals: { ...totals, values: addCounts(totals.values, counts) },
      history: this.#history(now, this.#sum(taken), generation, ''),
    }
  }

  commit(taken: Taken): void {
    const { records, bytes, dropped } = this.#sum(taken)
    this.#records = records
    this.#bytes = bytes
    this.#dropped = dropped
    this.#counted = true
  }

  /** The history at the end of the run; `detail` says how it ended, `dropped` what went by which limit. */
  close(
    now: Manifest,
    detail: string,
    dropped: readonly DropSummary[] | null,
  ): readonly HistoryEntry[] {
    if (!this.#counted) {
      // All that was judged is kept after all.
      const idle = detail === '' && recordsIdle(this.#facts.trigger)
      return idle ? withIdle(now, this.#facts) : now.history
    }
    const sum = { records: this.#records, bytes: this.#bytes, dropped: dropped ?? this.#dropped }
    return this.#history(now, sum, now.generation, detail)
  }

  #sum(taken: Taken): Taken {
    return {
      records: this.#records + taken.records,
      bytes: this.#bytes + taken.bytes,
      dropped: addDrops(this.#dropped, taken.dropped),
    }
  }

  #history(
    { history }: Manifest,
    sum: Taken,
    generation: number,
    detail: string,
  ): readonly HistoryEntry[] {
    const { at, trigger, elapsed } = this.#facts
    const entry: HistoryEntry = {
      what: 'compaction',
      at,
      generation,
      recordsRemoved: sum.records,
      bytesRemoved: sum.bytes,
      detail,
      durationMs: elapsed(),
      trigger,
      dropped: sum.dropped,
    }
    // The run has one entry, which every step brings up to date.
    const mine = (old: HistoryEntry): boolean =>
      this.#counted && old.what === 'compaction' && old.at === at && old.generation === generation
    const place = history.findLastIndex(mine)
    return place < 0 ? withEntry(history, entry) : history.with(place, entry)
  }
}

/** The history with a run that removed nothing. */
export function withIdle(
  { history, generation }: Manifest,
  { at, trigger, elapsed }: RunFacts,
): readonly HistoryEntry[] {
  return withIdleRun(history, { at, trigger, generation, durationMs: elapsed() })
}

/** Two lists of what went, one for each kind and limit. */
export function addDrops(
  a: readonly DropSummary[],
  b: readonly DropSummary[],
): readonly DropSummary[] {
  const all = new Map<string, DropSummary>()
  for (const summary of [...a, ...b]) {
    const key = `${summary.limit} ${summary.kind}`
    const known = all.get(key)
    all.set(key, known === undefined ? summary : joined(known, summary))
  }
  return [...all.values()]
}

function joined(a: DropSummary, b: DropSummary): DropSummary {
  return {
    ...a,
    records: a.records + b.records,
    bytes: a.bytes + b.bytes,
    seq: {
      first: Math.min(a.seq.first, b.seq.first),
      last: Math.max(a.seq.last, b.seq.last),
    },
  }
}

/** The names of files that are no longer, or not yet, the store's. */
export function withObsolete(now: Manifest, paths: readonly string[]): readonly string[] {
  return [...new Set([...now.obsolete, ...paths.map((path) => basename(path))])]
}

export function withoutObsolete(now: Manifest, path: string): readonly string[] {
  return now.obsolete.filter((name) => name !== basename(path))
}
