import type { SeqRange } from '@papyra/contracts'
import type { Misplaced } from '../scan-types.js'

/** A run of sound records, while a scan still works on it. */
export interface Run {
  offset: number
  end: number
  firstSeq: number
  lastSeq: number
  records: number
  /** How many records in order were found before it; -1 for records out of order. */
  ordinal: number
  /** True if its last line has its 0x0A. */
  ended: boolean
}

/** A run of bytes between sound lines that does not verify, and what was made of it. */
export interface Stretch {
  readonly offset: number
  readonly end: number
  /** Its lines, and how many of them are damaged (a blank line is not). */
  readonly lines: number
  readonly kind: 'bytes' | 'invalid' | 'head'
  /** Records and marks that were found inside by their checksum. */
  readonly salvaged: number
  /** What is left of it. */
  readonly aside: readonly Misplaced[]
  /** Its lines that are of another log. */
  readonly foreign: number
  /** True of one line that would be of another log if no number is missing here. */
  readonly maybeForeign: boolean
  /** True if it looks like a block mark, or stands where one is due. */
  readonly markLike: boolean
  /** The first bytes the device did not give; -1 if it gave all. */
  readonly unreadable: number
  /** A number that the stretch itself names; `null` if it names none or several. */
  readonly seq: SeqRange | null
}

/** Numbers that were skipped. */
export interface Gap {
  readonly first: number
  readonly last: number
  /** Where the records behind it begin. */
  readonly place: number
  /** How many records in order stand before it. */
  readonly ordinal: number
  /** The damage right before it. */
  readonly cause: Stretch | null
  /** Set if the gap is at a mark. */
  readonly mark: { readonly offset: number; readonly end: number } | null
  /** True if it turned out that what stands behind it had come too early. */
  dead: boolean
  /** Numbers of which no mark has said yet whether they were there. */
  open: SeqRange[]
  /** Numbers that were there. */
  missing: SeqRange[]
  /** Records missing in a range that cannot be named one by one. */
  vague: { readonly seq: SeqRange; readonly records: number } | null
  /** True if records that stand elsewhere belong here. */
  filled: boolean
  /** Numbers that are not there and were never proven to have been acknowledged: no loss. */
  unproven: SeqRange[]
}

/** Records out of order, one behind the other in the file; marks among them are counted in. */
export interface ExtraGroup {
  readonly offset: number
  end: number
  readonly runs: Run[]
}

/** Where a mark stands, and the block that it should be about. */
export interface MarkPlace {
  readonly offset: number
  readonly end: number
  readonly blockStart: number
  /** True if the mark's checksum is that of the bytes since `blockStart`. */
  readonly sumMatches: boolean
}

/** A mark that is wrong while the records around it are not. */
export interface MarkFault {
  readonly offset: number
  /** Equal to `offset` if the mark is missing. */
  readonly end: number
  /** If records are missing here, they explain it. */
  readonly unless: readonly Gap[]
  readonly detail: string
}

/** Stray bytes around sound lines. */
export interface Stray {
  readonly offset: number
  end: number
  count: number
  readonly sort: string
  /** The stray bytes themselves, while there are not too many. */
  readonly pieces: { offset: number; end: number }[]
}
