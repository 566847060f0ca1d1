import { METRICS_READERS, type KeptText, type MetricsReadAt } from '@papyra/contracts'
import { DROP_REASONS, type DropReason } from './intake.js'

export type DropCounts = { readonly [Reason in DropReason]: number }

/** What became of facts: `offered` = `written` + `waiting` + all of `dropped`, at any moment. */
export interface FactCounts {
  /** Handed in, whether taken or not. Those of `record…` count when they are stored. */
  readonly offered: number
  readonly written: number
  readonly waiting: number
  readonly dropped: DropCounts
}

/** Facts whose fate nobody could write down, because their process was killed. */
export interface Unaccounted {
  /** How many owners ended without closing. */
  readonly runs: number
  /**
   * No more facts than these were handed in and are neither written nor counted as dropped; `null`
   * if there is no bound: the machine was restarted, or what was kept is damaged.
   */
  readonly atMost: number | null
}

/** The counts of all owners that a store has had, the present one included. */
export interface Accounts extends FactCounts {
  /** Wall time in ms since when it was counted. */
  readonly since: number
  readonly unaccounted: Unaccounted
}

/** What an owner that has not closed has written down of itself. */
export interface Run extends FactCounts {
  readonly since: number
  /** `recordsWritten` of the store when it began. */
  readonly writtenBefore: number
  /** The most facts that wait at a time. */
  readonly capacity: number
  /** It has dropped no more than so many. */
  readonly mayDrop: number
}

/** What is kept with a store. */
export interface KeptAccounts {
  readonly logId: string
  /** Wall time in ms at which it was put. */
  readonly at: number
  /** Of the owners that are gone. */
  readonly past: Accounts
  /** Of an owner that lives, or was killed; `null` if the last one closed. */
  readonly run: Run | null
  readonly metricsReadAt: MetricsReadAt
}

/** The numbers of one line for each reason, in their order. */
const list = (dropped: DropCounts): number[] => DROP_REASONS.map((reason) => dropped[reason])

/** As a text of some hundred bytes. */
export function accountsText({ logId, at, past, run, metricsReadAt }: KeptAccounts): string {
  const { since, offered, written, dropped, unaccounted } = past
  return JSON.stringify({
    v: 1,
    log_id: logId,
    at,
    past: [since, offered, written, ...list(dropped)],
    unaccounted: [unaccounted.runs, unaccounted.atMost],
    run: run && [
      ...[run.since, run.writtenBefore, run.capacity, run.mayDrop],
      ...[run.offered, run.written, run.waiting, ...list(run.dropped)],
    ],
    read: METRICS_READERS.map((reader) => metricsReadAt[reader] ?? 0),
  })
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0

function counts(value: unknown, length: number): readonly number[] | null {
  const right = Array.isArray(value) && value.length === length && value.every(isCount)
  return right ? (value as number[]) : null
}

const drops = (numbers: readonly number[]): DropCounts =>
  Object.fromEntries(DROP_REASONS.map((reason, i) => [reason, numbers[i] ?? 0])) as DropCounts

/** `null` if the text is not what `accountsText` gives. */
export function parseAccounts(text: string): KeptAccounts | null {
  let value: Record<string, unknown>
  try {
    value = JSON.parse(text) as Record<string, unknown>
  } catch {
    return null
  }
  const { v, log_id: logId, at, unaccounted, run } = value
  const past = counts(value['past'], 3 + DROP_REASONS.length)
  if (v !== 1 || typeof logId !== 'string' || !isCount(at) || past === null) return null
  const lost = parseUnaccounted(unaccounted)
  const ours = run === null ? null : parseRun(counts(run, 7 + DROP_REASONS.length))
  if (lost === null || ours === undefined) return null
  const [since = 0, offered = 0, written = 0, ...dropped] = past
  const metricsReadAt = readAt(counts(value['read'], METRICS_READERS.length))
  const before = { since, offered, written, waiting: 0, dropped: drops(dropped) }
  return { logId, at, past: { ...before, unaccounted: lost }, run: ours, metricsReadAt }
}

/** Earlier versions did not write it down. */
function readAt(times: readonly number[] | null): MetricsReadAt {
  const [scrape = 0, exported = 0] = times ?? []
  return { scrape: scrape || null, export: exported || null }
}

function parseUnaccounted(value: unknown): Unaccounted | null {
  const [runs, atMost] = Array.isArray(value) ? (value as unknown[]) : []
  if (!isCount(runs) || !(atMost === null || isCount(atMost))) return null
  return { runs, atMost }
}

function parseRun(numbers: readonly number[] | null): Run | undefined {
  if (numbers === null) return undefined
  const [since = 0, writtenBefore = 0, capacity = 0, mayDrop = 0, ...rest] = numbers
  const [offered = 0, written = 0, waiting = 0, ...dropped] = rest
  const counted = { offered, written, waiting, dropped: drops(dropped) }
  return { since, writtenBefore, capacity, mayDrop, ...counted }
}

/** Counts of nothing, from `since` on. */
export function noAccounts(since: number, unaccounted: Unaccounted): Accounts {
  return { since, offered: 0, written: 0, waiting: 0, dropped: drops([]), unaccounted }
}

export function addAccounts(past: Accounts, run: FactCounts): Accounts {
  const dropped = DROP_REASONS.map((reason) => past.dropped[reason] + run.dropped[reason])
  return {
    ...past,
    offered: past.offered + run.offered,
    written: past.written + run.written,
    waiting: run.waiting,
    dropped: drops(dropped),
  }
}

export function totalOf(dropped: DropCounts): number {
  return list(dropped).reduce((sum, count) => sum + count, 0)
}

/** What a store looks like to whoever counts on from what was kept. */
export interface Recount {
  readonly logId: string
  /** `recordsWritten` of the store now. */
  readonly recordsWritten: number
  /** Wall time in ms. */
  readonly now: number
}

/**
 * The accounts when no owner is left. What a killed owner has written is counted by the store; what
 * it has dropped, by what it had written down, and beyond that it is `unaccounted`.
 */
export function settleAccounts(
  kept: KeptText | 'damaged' | null,
  { logId, recordsWritten, now }: Recount,
): Accounts {
  if (kept === null) return noAccounts(now, { runs: 0, atMost: 0 })
  const read = kept === 'damaged' ? null : parseAccounts(kept.text)
  if (read === null || kept === 'damaged') return noAccounts(now, { runs: 1, atMost: null })
  // Those of another log, whose place this one took.
  if (read.logId !== logId) return noAccounts(now, { runs: 0, atMost: 0 })
  const { past, run } = read
  if (run === null) return past
  const written = recordsWritten - run.writtenBefore
  const dropped = totalOf(run.dropped)
  const bounded = kept.sameBoot === true && written >= 0
  const counted = Math.max(0, written)
  const { runs, atMost } = past.unaccounted
  return {
    ...addAccounts(past, {
      offered: counted + dropped,
      written: counted,
      waiting: 0,
      dropped: run.dropped,
    }),
    unaccounted: {
      runs: runs + 1,
      atMost: bounded && atMost !== null ? atMost + run.capacity + run.mayDrop - dropped : null,
    },
  }
}

/** True if the owner that wrote this down of this log has not closed it. */
export function wasKilled(kept: KeptText | 'damaged' | null, logId: string): boolean {
  if (kept === null) return false
  const read = kept === 'damaged' ? null : parseAccounts(kept.text)
  return read === null || (read.logId === logId && read.run !== null)
}

/** When the numbers of this log had been read, as was written down. */
export function readBefore(kept: KeptText | 'damaged' | null, logId: string): MetricsReadAt {
  const read = kept === null || kept === 'damaged' ? null : parseAccounts(kept.text)
  return read?.logId === logId ? read.metricsReadAt : readAt(null)
}
