/** How the numbers of a store are read: over HTTP (`scrape`), or collected by OpenTelemetry (`export`). */
export const METRICS_READERS = ['scrape', 'export'] as const
export type MetricsReader = (typeof METRICS_READERS)[number]

/** Wall times in ms at which the numbers were last read; `null` if they never were. */
export type MetricsReadAt = { readonly [Reader in MetricsReader]: number | null }

/** A text that a store keeps, and whether the machine has gone on since. */
export interface KeptText {
  readonly text: string
  /** False if the machine was restarted since it was put; `null` if that cannot be known. */
  readonly sameBoot: boolean | null
}

/**
 * Where a store keeps what its owner has counted of the facts that were handed in: a small text, put
 * at once. It outlives the process as soon as `put` returns, and the machine once `sync` resolves.
 */
export interface AccountsPort {
  /**
   * What was put last, by whom ever; `null` if nothing was, `damaged` if it can no longer be told.
   * Never writes. Rejects with `unreadable` if the system refuses.
   */
  read(): Promise<KeptText | 'damaged' | null>
  /** Gets ready for `put`. For the owner of a store, after `begin`. Rejects with `io_error`. */
  open(): Promise<void>
  /**
   * Puts a text in the place of the last one, blocking, without a sync. At most 896 bytes of UTF-8
   * without line ends, else `invalid_argument`. Throws `io_error`, and then the last one stays.
   */
  put(text: string): void
  /** Makes durable what was put. Rejects with `io_error`. */
  sync(): Promise<void>
  /** Lets go. Idempotent; closing the store does it too. */
  close(): Promise<void>
}
