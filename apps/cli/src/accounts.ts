import type { Backend, MetricsReadAt, StoreDescription } from '@papyra/contracts'
import { addAccounts, parseAccounts, settleAccounts, type Accounts } from '@papyra/core'
import type { MetricsSource } from './owner.js'

/** The accounts of a store, and when they were written down, in ms. */
export interface StoredAccounts extends Accounts {
  readonly asOf: number
  readonly metricsReadAt: MetricsReadAt
}

/**
 * What the owners of a store have counted of the facts that they were handed. A living owner writes
 * it down once a second; of one that was killed, the store counts what was written. `null` if nothing
 * is kept.
 */
export async function accountsOf(
  backend: Backend,
  { logId, metrics }: Pick<StoreDescription, 'logId' | 'metrics'>,
  source: MetricsSource,
  now: number,
): Promise<StoredAccounts | null> {
  const kept = (await backend.accounts?.read()) ?? null
  if (kept === null || logId === null) return null
  const read = kept === 'damaged' ? null : parseAccounts(kept.text)
  const metricsReadAt = read?.logId === logId ? read.metricsReadAt : { scrape: null, export: null }
  if (source === 'owner' && read !== null && read.run !== null) {
    return { ...addAccounts(read.past, read.run), asOf: read.at, metricsReadAt }
  }
  const { recordsWritten } = metrics.totals
  const settled = settleAccounts(kept, { logId, recordsWritten, now })
  return { ...settled, asOf: read?.at ?? now, metricsReadAt }
}
