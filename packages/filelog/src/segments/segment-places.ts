import type { Folder } from './folder.js'
import { isHeadOf } from './folder.js'
import type { ActiveSegment } from './manifest.js'
import { segmentName } from './names.js'
import { isSealed } from './scan-job.js'
import type { Stands } from './segment-anomalies.js'

/** Which log the segments are of. */
export interface LogOfSegments {
  readonly logId: string
  readonly seed: number
}

/** Finds out in which file of a folder a segment stands: under its name, or under another one. */
export class SegmentPlaces {
  readonly #folder: Folder
  readonly #log: LogOfSegments
  /** Files that are known to be a segment's. */
  readonly #claimed: Set<string> = new Set()

  constructor(folder: Folder, log: LogOfSegments) {
    this.#folder = folder
    this.#log = log
  }

  /** From now on no other segment is looked for in this file. */
  claim(file: string): void {
    this.#claimed.add(file)
  }

  /** Whether the file under a segment's name is that segment, as far as its beginning tells. */
  async stands(entry: ActiveSegment): Promise<Stands> {
    const name = segmentName(entry)
    const stat = await this.#folder.stat(name)
    if (stat === null) return 'absent'
    if (stat.type !== 'file') return 'no_file'
    const look = await this.#folder.look(name)
    if (this.#folder.refusal(name) !== null) return 'refused'
    if (look === null) return 'absent'
    const ours = look.head?.logId === this.#log.logId
    if (ours && look.head?.firstSeq === entry.firstSeq) return 'own'
    const seq = await this.#folder.soundSeq(name, this.#log.seed)
    if (seq !== null) return seq >= entry.firstSeq && seq <= lastOf(entry) ? 'own' : 'other'
    if (look.head === null) return 'nothing'
    return ours ? 'other' : 'foreign'
  }

  /** Files under other names that are this segment, by their head, or if that is gone by a record. */
  async candidates(entry: ActiveSegment): Promise<readonly string[]> {
    const own = segmentName(entry)
    const byHead: string[] = []
    const byRecord: string[] = []
    for (const name of await this.#folder.segmentFiles()) {
      if (name === own || this.#claimed.has(name)) continue
      const head = (await this.#folder.look(name))?.head ?? null
      if (isHeadOf(head, this.#log.logId, entry)) byHead.push(name)
      if (head !== null) continue
      const seq = (await this.#folder.soundSeq(name, this.#log.seed)) ?? 0
      if (seq >= entry.firstSeq && seq <= lastOf(entry)) byRecord.push(name)
    }
    return [...byHead, ...byRecord]
  }

  /** The file to look for a segment in; `null` if there is none. */
  async fileOf(entry: ActiveSegment, stands: Stands): Promise<string | null> {
    const own = segmentName(entry)
    if (stands === 'own') return own
    const elsewhere = (await this.candidates(entry))[0]
    return elsewhere ?? (stands === 'nothing' ? own : null)
  }
}

function lastOf(entry: ActiveSegment): number {
  return isSealed(entry) ? entry.lastSeq : Number.MAX_SAFE_INTEGER
}
