import { join } from 'node:path'

/** Which segment of a store a file is: no two of one store have both numbers in common. */
export interface SegmentId {
  /** The number that its first record has, or would have. */
  readonly firstSeq: number
  /** Raised by each compaction and recovery; a rewritten segment takes the new one. */
  readonly generation: number
}

const NAME = /^(\d{20})-(\d{8})\.ndjson$/

/** `<first seq, 20 digits>-<generation, 8 digits>.ndjson`: names sort in the order of the numbers. */
export function segmentName({ firstSeq, generation }: SegmentId): string {
  return `${String(firstSeq).padStart(20, '0')}-${String(generation).padStart(8, '0')}.ndjson`
}

/** The segment that a file name says it is; `null` if it is no such name. */
export function parseSegmentName(name: string): SegmentId | null {
  const found = NAME.exec(name)
  if (found === null) return null
  const firstSeq = Number(found[1])
  const generation = Number(found[2])
  const usable = Number.isSafeInteger(firstSeq) && firstSeq > 0 && generation > 0
  return usable ? { firstSeq, generation } : null
}

export function segmentPath(dir: string, id: SegmentId): string {
  return join(dir, segmentName(id))
}

export function manifestPath(dir: string): string {
  return join(dir, 'manifest.json')
}

/** What the store's lock file is named after: `store.lock`, in the folder. */
export function lockBase(dir: string): string {
  return join(dir, 'store')
}

export function sameSegment(a: SegmentId, b: SegmentId): boolean {
  return a.firstSeq === b.firstSeq && a.generation === b.generation
}
