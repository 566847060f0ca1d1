import type { StoredRecord } from '@papyra/contracts'
import type { Context } from '../../context.js'
import type { Filters } from './filters.js'
import { jsonLine, membersOf, textLine } from './record.js'

/** What one listing is asked for, read before anything is opened. */
export interface Listing {
  readonly kind: string
  readonly filters: Filters
  readonly limit: number
  readonly reverse: boolean
  readonly follow: boolean
  readonly all: boolean
}

const BATCH_BYTES = 65_536
const NOTHING: ReadonlyMap<string, unknown> = new Map()

/** Prints the records that match, in batches, until the limit is reached or nobody reads on. */
export class RecordPrinter {
  printed = 0
  /** The smallest and greatest numbers seen, whether they match or not; 0 before there is one. */
  firstSeq = 0
  lastSeq = 0
  readonly #context: Context
  readonly #listing: Listing
  #batch: string[] = []
  #size = 0

  constructor(context: Context, listing: Listing) {
    this.#context = context
    this.#listing = listing
  }

  get listing(): Listing {
    return this.#listing
  }

  get wantsMore(): boolean {
    return this.printed < this.#listing.limit && !this.#context.out.closed
  }

  /** Prints the record if it matches. False if no more is wanted. */
  async take(record: StoredRecord): Promise<boolean> {
    this.firstSeq = this.firstSeq === 0 ? record.seq : Math.min(this.firstSeq, record.seq)
    this.lastSeq = Math.max(this.lastSeq, record.seq)
    const { filters } = this.#listing
    const { out } = this.#context
    const members = filters.byContent || !out.json ? membersOf(record) : NOTHING
    if (!filters.matches(record, members)) return this.wantsMore
    const text = out.json ? jsonLine(record) : out.safe(textLine(record, members))
    this.#batch.push(text)
    this.#size += text.length
    this.printed += 1
    if (this.#size >= BATCH_BYTES) await this.flush()
    return this.wantsMore
  }

  async flush(): Promise<void> {
    if (this.#batch.length === 0) return
    const text = `${this.#batch.join('\n')}\n`
    this.#batch = []
    this.#size = 0
    await this.#context.out.raw(text)
  }
}
