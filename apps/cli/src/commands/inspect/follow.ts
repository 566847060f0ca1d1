import { setTimeout as delay } from 'node:timers/promises'
import type { Backend, ReadQuery, StoredRecord } from '@papyra/contracts'
import type { Context } from '../../context.js'
import type { RecordPrinter } from './record-printer.js'

const POLL_MS = 250

export interface Following {
  readonly backend: Backend
  readonly printer: RecordPrinter
  /** The greatest number that was seen already. */
  readonly from: number
  readonly onDamage: NonNullable<ReadQuery['onDamage']>
}

/**
 * Prints records as they are written. Ends when the limit is reached or nobody reads on; Ctrl-C ends
 * it with `aborted`.
 */
export async function follow({ io }: Context, following: Following): Promise<void> {
  const { printer } = following
  const { kind, filters } = printer.listing
  let last = following.from
  while (printer.wantsMore) {
    const news = await newRecords(following, last, io.signal)
    for (const record of news) {
      last = Math.max(last, record.seq)
      const { since = Number.NEGATIVE_INFINITY } = filters
      const mine = record.kind === kind && !(record.timestamp < since)
      if (mine && !(await printer.take(record))) break
    }
    await printer.flush()
    if (news.length === 0) await delay(POLL_MS, undefined, { signal: io.signal })
  }
}

/** Read from the end, so that looking costs nothing while nothing happens. Oldest first. */
async function newRecords(
  { backend, onDamage }: Following,
  afterSeq: number,
  signal: AbortSignal,
): Promise<StoredRecord[]> {
  const news: StoredRecord[] = []
  for await (const record of backend.read({ afterSeq, order: 'newest', signal, onDamage })) {
    news.push(record)
  }
  return news.reverse()
}
