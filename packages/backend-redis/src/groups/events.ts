/** Something that a group did by itself, or that happened to it. */
export type GroupEvent =
  /** Records that others had held for too long came to this consumer. */
  | { readonly what: 'claimed'; readonly seqs: readonly number[] }
  /** Records that were pending are gone from the store: nobody will handle them. */
  | { readonly what: 'deleted'; readonly seqs: readonly number[] }
  /** Records that were delivered too often: they are among the poison of the group. */
  | { readonly what: 'poison'; readonly seqs: readonly number[] }
  /** An entry that is not a sound record: it is among the poison of the group, with the reason. */
  | { readonly what: 'invalid'; readonly id: string; readonly why: string }
  /** The group had vanished and was made again: what comes behind `after` is delivered, perhaps again. */
  | { readonly what: 'vanished'; readonly after: number }
  /** The server could not be reached, or did not answer; it is tried again. */
  | { readonly what: 'disconnected'; readonly code: string }

/** What one claim found. */
export interface ClaimReport {
  /** Records that the consumer holds now. */
  readonly claimed: readonly number[]
  readonly deleted: readonly number[]
  readonly poison: readonly number[]
  /** Ids of entries that are no sound records. */
  readonly invalid: readonly string[]
}
