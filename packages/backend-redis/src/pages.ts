import { decodeEntry, list, type Entry } from './entry.js'
import type { Store } from './store.js'

/** A page aims at so many bytes and never has more than so many entries: no command takes long. */
const PAGE_BYTES = 2_097_152
const MOST_ENTRIES = 1000
const FIRST_ENTRIES = 100

export interface Span {
  readonly kinds: readonly string[]
  /** The first and the last number, both included. */
  readonly from: number
  readonly to: number
  readonly order: 'oldest' | 'newest'
  /** How many entries the first page has at most. */
  readonly limit?: number | undefined
}

/** The pages of one stream, one after the other; the next is on its way while one is worked on. */
class Pager {
  readonly #store: Store
  readonly #kind: string
  readonly #span: Span
  #count: number
  #next: Promise<readonly Entry[]> | null
  /** Behind which id to go on; empty at the start. */
  #after = ''
  entries: readonly Entry[] = []
  at = 0

  constructor(store: Store, kind: string, span: Span) {
    this.#store = store
    this.#kind = kind
    this.#span = span
    this.#count = Math.min(span.limit ?? FIRST_ENTRIES, FIRST_ENTRIES)
    this.#next = this.#fetch()
  }

  get head(): Entry | undefined {
    return this.entries[this.at]
  }

  /** Fetches until there is a head, or the end is reached. */
  async fill(): Promise<void> {
    if (this.head !== undefined || this.#next === null) return
    this.entries = await this.#next
    this.at = 0
    const last = this.entries.at(-1)
    this.#after = last?.id ?? ''
    if (last === undefined || this.entries.length < this.#count) this.#next = null
    else {
      const bytes = this.entries.reduce((sum, { size }) => sum + size, 0)
      const fitting = Math.floor((PAGE_BYTES * this.entries.length) / Math.max(1, bytes))
      this.#count = Math.max(1, Math.min(MOST_ENTRIES, fitting))
      this.#next = this.#fetch()
    }
  }

  #fetch(): Promise<readonly Entry[]> {
    const { from, to, order } = this.#span
    const key = this.#store.keys.stream(this.#kind)
    const oldest = order === 'oldest'
    const begin = this.#after === '' ? String(oldest ? from : to) : `(${this.#after}`
    const range = [begin, String(oldest ? to : from)]
    const fetched = this.#store.connection
      .ask(oldest ? 'XRANGE' : 'XREVRANGE', key, ...range, 'COUNT', this.#count)
      .then((reply) => list(reply).map((one) => decodeEntry(this.#kind, this.#store.seed, one)))
    // Nobody may be there to take it, if the reader stops.
    fetched.catch(() => undefined)
    return fetched
  }
}

/** The entries of all streams of the span in the order of their ids, many at a time. */
export async function* mergedEntries(store: Store, span: Span): AsyncGenerator<Entry[]> {
  if (span.from > span.to) return
  const pagers = span.kinds.map((kind) => new Pager(store, kind, span))
  const sign = span.order === 'oldest' ? 1 : -1
  for (;;) {
    for (const pager of pagers) await pager.fill()
    const batch: Entry[] = []
    for (;;) {
      const next = foremost(pagers, sign)
      if (next === null) break
      batch.push(next.entries[next.at] as Entry)
      next.at += 1
      // Only its next page tells whether it still comes first.
      if (next.head === undefined) break
    }
    if (batch.length === 0) return
    yield batch
  }
}

function foremost(pagers: readonly Pager[], sign: 1 | -1): Pager | null {
  let best: Pager | null = null
  for (const pager of pagers) {
    if (pager.head === undefined) continue
    if (best?.head === undefined || sign * compareIds(pager.head, best.head) < 0) best = pager
  }
  return best
}

function compareIds(a: Entry, b: Entry): number {
  return a.seq - b.seq || a.sub - b.sub
}
