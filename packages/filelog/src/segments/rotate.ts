import type { KindFigures } from '../format/figures.js'
import { type Clock, isPapyraError, PapyraError } from '@papyra/contracts'
import { hex8 } from '../format/checksum.js'
import { storedMillis } from '../format/frame.js'
import { markPath } from '../format/names.js'
import { withIo } from '../rewrite/io.js'
import { type Counts, addCounts, countAppends } from '../rewrite/ledger.js'
import type { OwnedCore } from '../rewrite/owned-core.js'
import type { Vfs, VfsFile } from '../vfs.js'
import type { AppendQueue } from '../write/append-queue.js'
import type { FileLooks } from '../write/atomic-write.js'
import type { Rotation } from '../write/append-options.js'
import { type Chunk, LINE_BYTES } from '../write/batch-encoder.js'
import type { MarkWriter } from '../write/mark-file.js'
import type { FiguresMeter } from '../format/figures.js'
import type { ManifestKeeper } from './manifest-file.js'
import type { Manifest, SealedSegment } from './manifest.js'
import { sameSegment, type SegmentId } from './names.js'
import { closeSegmentFiles, discardSegment, makeSegment, type MadeSegment } from './new-segment.js'
import type { SealLimits } from './seal-limits.js'
import { stampOf } from './stamp.js'

/** After a failed rotation the next attempt comes so much later at the earliest. */
const RETRY_MS = 1000

/** The segment that is appended to. */
export interface OpenActive extends SegmentId {
  readonly path: string
  readonly file: VfsFile
  readonly mark: MarkWriter
  readonly created: number
  /** As its head says: above 0 if a recovery has rewritten it. */
  readonly compactedThrough: number
}

/** How far the active segment reaches, and what is in it. */
export interface ActiveReach {
  readonly seq: number
  readonly offset: number
  readonly records: number
  readonly kinds: readonly KindFigures[]
}

export interface RotationSettings {
  readonly vfs: Vfs
  readonly dir: string
  readonly clock: Clock
  readonly seal: SealLimits
}

export interface RotationStart {
  readonly manifest: ManifestKeeper
  readonly active: OpenActive
  /** What is in it. */
  readonly figures: FiguresMeter
}

/** Seals the active segment and begins the next, when a limit is reached or on demand. */
export class Rotator implements Rotation {
  readonly #core: OwnedCore
  readonly #where: RotationSettings
  readonly #manifest: ManifestKeeper
  /** What is in the active segment, kept up with every batch. */
  readonly figures: FiguresMeter
  #active: OpenActive
  #queue: AppendQueue | null = null
  /** The head of the segment that a commit in progress puts in place. */
  #comingBytes: number = 0
  #notBefore: number = Number.NEGATIVE_INFINITY

  constructor(core: OwnedCore, where: RotationSettings, start: RotationStart) {
    this.#core = core
    this.#where = where
    this.#manifest = start.manifest
    this.#active = start.active
    this.figures = start.figures
  }

  /** The queue whose file it changes. */
  attach(queue: AppendQueue): void {
    this.#queue = queue
  }

  get active(): OpenActive {
    return this.#active
  }

  /** Takes in what the queue has written. */
  written(chunks: readonly Chunk[], firstSeq: number, lengths: readonly number[]): void {
    const { figures } = this
    let i = 0
    for (const { facts } of chunks) {
      for (const fact of facts) {
        const at = storedMillis(fact.timestamp)
        figures.count(firstSeq + i, fact.kind, at, lengths[i] as number)
        i++
      }
    }
  }

  room(calls: readonly Chunk[], offset: number): number {
    const { seal, clock } = this.#where
    const { maxBytes, maxAgeMs, maxRecords } = seal
    const held = this.figures.records
    let fits = 0
    if (held === 0 || maxAgeMs === null || clock.now() - this.#active.created < maxAgeMs) {
      let end = offset
      let records = held
      for (const { bytes, facts } of calls) {
        end += bytes + facts.length * LINE_BYTES
        records += facts.length
        if (end > maxBytes || (maxRecords !== null && records > maxRecords)) break
        fits++
      }
    }
    if (fits === calls.length) return fits
    if (clock.monotonic() < this.#notBefore) return calls.length
    // What is larger than a segment goes alone into one.
    return fits === 0 && held === 0 ? 1 : fits
  }

  async next(): Promise<void> {
    const { clock } = this.#where
    try {
      await this.roll({ rotations: 1 })
      this.#notBefore = Number.NEGATIVE_INFINITY
    } catch (error) {
      if (!isPapyraError(error)) this.#owner().latch(error, 'Rotation')
      this.#core.countError('rotationErrors', error)
      this.#notBefore = clock.monotonic() + RETRY_MS
    }
  }

  /**
   * Seals the active segment and goes on in a new one; nothing else may write meanwhile. If it
   * rejects, the active segment goes on as it is, unless the queue stopped for good. `counts` are
   * outcomes to be kept with it.
   */
  async roll(counts: Counts = {}): Promise<void> {
    const queue = this.#owner()
    await queue.endBlock()
    const old = this.#active
    const stat = await withIo('Looking at', old.path, () => old.file.stat())
    const made = await this.#make(stat, queue.state.nextSeq)
    const sealed = { ...this.#seal(queue), stamp: stampOf(stat) }
    await this.#commit(queue, { made, sealed }, counts)
    const { path, file, mark, offset, tracker, sum } = made
    this.#active = { ...made, compactedThrough: 0 }
    this.figures.reset()
    queue.retarget({ path, file, mark, tracker, offset, sum })
    await closeSegmentFiles(old)
    // If that fails it is a trace, which the next owner removes.
    await this.#where.vfs.unlink(markPath(old.path)).catch(() => undefined)
  }

  /** How far the active segment of this manifest reaches: the latest one, or that before it. */
  reach({ active }: Manifest): ActiveReach {
    const { acked, offset } = this.#owner().state
    if (!sameSegment(active, this.#active)) {
      return { seq: acked, offset: this.#comingBytes, records: 0, kinds: [] }
    }
    return { seq: acked, offset, records: this.figures.records, kinds: this.figures.kinds() }
  }

  async #make(looks: FileLooks, firstSeq: number): Promise<MadeSegment> {
    const { vfs, dir, clock } = this.#where
    const { logId, generation, blockBytes } = this.#manifest.current
    const plan = { logId, generation, firstSeq, blockBytes, created: clock.now() }
    return makeSegment(vfs, dir, plan, looks)
  }

  async #commit(
    queue: AppendQueue,
    { made, sealed }: { readonly made: MadeSegment; readonly sealed: SealedSegment },
    counts: Counts,
  ): Promise<void> {
    const core = this.#core
    const outcomes = core.takeCounts()
    this.#comingBytes = made.offset
    try {
      const all = addCounts(outcomes, counts)
      await this.#manifest.commit((now) => sealActive(now, sealed, made, all))
    } catch (error) {
      core.putCountsBack(outcomes)
      if (isPapyraError(error, 'writer_latched')) {
        // Either manifest may be there after a power cut: the new files have to stay.
        await closeSegmentFiles(made)
        throw queue.latch(error, 'Rotation')
      }
      await discardSegment(this.#where.vfs, made)
      throw error
    }
  }

  /** The active segment as it is, complete. */
  #seal(queue: AppendQueue): SealedSegment {
    const { acked, offset } = queue.state
    const { firstSeq, generation, created, compactedThrough } = this.#active
    return {
      firstSeq,
      generation,
      lastSeq: acked,
      compactedThrough,
      records: this.figures.records,
      bytes: offset,
      checksum: checksumText(queue.sum),
      kinds: this.figures.kinds(),
      created,
      sealed: this.#where.clock.now(),
    }
  }

  #owner(): AppendQueue {
    if (this.#queue !== null) return this.#queue
    throw new PapyraError('internal', 'the rotation has no queue')
  }
}

/** A checksum as the manifest holds it; empty where the bytes are not to be taken as they are. */
export function checksumText(sum: number | null): string {
  return sum === null ? '' : hex8(sum)
}

/** The manifest in which the active segment is sealed, and a new one is in its place. */
function sealActive(
  now: Manifest,
  sealed: SealedSegment,
  { firstSeq, generation, created, offset }: MadeSegment,
  counts: Counts,
): Manifest {
  const counted = countAppends(now.totals, { seq: sealed.lastSeq, offset: sealed.bytes })
  const values = addCounts(counted.values, counts)
  return {
    ...now,
    nextSeq: firstSeq,
    segments: [...now.segments, sealed],
    active: { firstSeq, generation, created },
    totals: { ...counted, values, countedBytes: offset },
  }
}
