/** When the active segment is sealed: as soon as one of these is reached and it holds a record. */
export interface SealLimits {
  /**
   * Bytes of the file, the block mark that ends it not counted. What would go beyond goes into the
   * next segment; a call of `append` that is larger than a segment has one of its own.
   */
  readonly maxBytes: number
  /** Since the segment was made, in ms; checked when something is appended. `null`: no limit. */
  readonly maxAgeMs: number | null
  /** `null`: no limit. */
  readonly maxRecords: number | null
}

export const SEAL_LIMITS: SealLimits = {
  maxBytes: 64 * 1024 * 1024,
  maxAgeMs: null,
  maxRecords: null,
}
