import {
  isPapyraError,
  type AccountsPort,
  type Clock,
  type MetricsReadAt,
  type MetricsReader,
  type PapyraErrorCode,
} from '@papyra/contracts'
import type { LogEvents } from './log-events.js'
import {
  accountsText,
  addAccounts,
  noAccounts,
  readBefore,
  settleAccounts,
  totalOf,
  wasKilled,
  type Accounts,
  type FactCounts,
} from './accounts.js'

/** Drops are written down before they happen, so many at a time. */
const RESERVED = 1024
/** What changed is written down so often, in ms. */
const EVERY_MS = 1000

/**
 * Whether the counts are kept with the store: `absent` where its backend has no place for them, an
 * error's code where the last attempt failed.
 */
export type AccountsKept = 'kept' | 'absent' | PapyraErrorCode

export interface BookOptions {
  readonly port: AccountsPort | undefined
  readonly clock: Clock
  readonly logId: string
  /** The most facts that wait at a time. */
  readonly capacity: number
  /** `recordsWritten` of the store as it begins. */
  readonly recordsWritten: number
  /** The counts of this owner. */
  counts(): FactCounts
}

/** Keeps the counts of this owner, and of those before it, with the store. Never throws. */
export class AccountBook {
  readonly #options: BookOptions
  readonly #since: number
  #past: Accounts
  #mayDrop = RESERVED
  #kept: AccountsKept = 'absent'
  #put = ''
  #open = false
  #readAt: MetricsReadAt = { scrape: null, export: null }
  #timer: ReturnType<typeof setInterval> | null = null

  constructor(options: BookOptions) {
    this.#options = options
    this.#since = options.clock.now()
    this.#past = noAccounts(this.#since, { runs: 0, atMost: 0 })
  }

  get kept(): AccountsKept {
    return this.#kept
  }

  get accounts(): Accounts {
    return addAccounts(this.#past, this.#options.counts())
  }

  get metricsReadAt(): MetricsReadAt {
    return this.#readAt
  }

  /** Somebody read the numbers. Written down with what changes next, within a second. */
  noteRead(reader: MetricsReader): void {
    this.#readAt = { ...this.#readAt, [reader]: this.#options.clock.now() }
  }

  /**
   * Takes up what is kept with the store. A store without a place for it is served all the same. Gives
   * what to tell where the last owner was killed.
   */
  async open(): Promise<LogEvents['papyra.owner.killed'] | null> {
    const { port, logId, recordsWritten } = this.#options
    if (port === undefined) return null
    let killed = false
    try {
      const kept = await port.read()
      this.#past = settleAccounts(kept, { logId, recordsWritten, now: this.#since })
      killed = wasKilled(kept, logId)
      this.#readAt = readBefore(kept, logId)
      await port.open()
      this.#open = true
      this.#write()
      await port.sync()
    } catch (error) {
      this.#failed(error)
    }
    this.#timer = setInterval(() => this.#write(), EVERY_MS)
    // Does not keep a process alive that has nothing else to do.
    if (typeof this.#timer === 'object') this.#timer.unref()
    const { runs, atMost } = this.#past.unaccounted
    return killed ? { owners: runs, factsAtMost: atMost } : null
  }

  /** To be called before so many facts are counted as dropped. */
  willDrop(records: number): void {
    const dropped = totalOf(this.#options.counts().dropped) + records
    if (dropped <= this.#mayDrop) return
    this.#mayDrop = dropped + RESERVED
    this.#write()
  }

  /** Writes down that this owner is gone. What is offered later is nobody's. */
  async close(): Promise<void> {
    const { port } = this.#options
    if (this.#timer !== null) clearInterval(this.#timer)
    if (port === undefined || !this.#open) return
    this.#write(true)
    this.#open = false
    try {
      await port.sync()
      await port.close()
    } catch (error) {
      this.#failed(error)
    }
  }

  #write(last = false): void {
    const { port, clock, logId, capacity, recordsWritten } = this.#options
    if (port === undefined || !this.#open) return
    const counts = this.#options.counts()
    const state = { since: this.#since, writtenBefore: recordsWritten, capacity }
    const common = { logId, metricsReadAt: this.#readAt }
    const kept = last
      ? { ...common, past: addAccounts(this.#past, counts), run: null }
      : { ...common, past: this.#past, run: { ...state, mayDrop: this.#mayDrop, ...counts } }
    // The time alone is no news.
    const news = accountsText({ ...kept, at: 0 })
    if (news === this.#put) return
    try {
      port.put(accountsText({ ...kept, at: clock.now() }))
      this.#put = news
      this.#kept = 'kept'
    } catch (error) {
      this.#failed(error)
    }
  }

  #failed(error: unknown): void {
    this.#kept = isPapyraError(error) ? error.code : 'internal'
  }
}
