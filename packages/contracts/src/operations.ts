/** How far a long operation is. */
export interface Progress {
  readonly phase: string
  readonly doneBytes: number
  readonly totalBytes: number
  readonly records: number
}

/** What every long operation takes. */
export interface LongOperation {
  /** Aborting rejects with `aborted`; the store is then as valid as before. */
  readonly signal?: AbortSignal
  /** Called now and then, never faster than about ten times a second or once every 4 MiB. */
  readonly onProgress?: (progress: Progress) => void
}

/** How much of the disk an operation may take from others. */
export interface Throttled {
  /** At most so many bytes are read and written a second, on average. Absent: as fast as it goes. */
  readonly bytesPerSecond?: number
}
