import { PapyraError, type ReadQuery } from '@papyra/contracts'
import type { LogSource } from '../scan/log-source.js'
import type { ActiveSegment, Manifest, SealedSegment } from './manifest.js'
import { sameSegment, segmentPath } from './names.js'
import {
  currentManifest,
  openSegment,
  openSnapshot,
  sealedSource,
  type Snapshot,
} from './read-source.js'
import type { SegmentCore } from './segment-core.js'

/** One segment for a reader; its file is closed when the next one is asked for. */
export interface SegmentPart {
  readonly source: LogSource
  readonly entry: SealedSegment | ActiveSegment
  /** The numbers that it may hold. */
  readonly first: number
  readonly last: number
  /** Numbers up to here, and from here on, were dealt with: they may stand in it again. */
  readonly doneThrough: number
  readonly doneFrom: number
}

export interface WalkQuery {
  readonly order: 'oldest' | 'newest'
  /** False for segments that need not be opened. */
  readonly wants: (entry: SealedSegment | ActiveSegment) => boolean
  readonly onDamage?: ReadQuery['onDamage'] | undefined
}

/**
 * The segments of a store, opened one after the other. It is the store as it was when the walk
 * began: what is sealed or compacted meanwhile is followed through later manifests, so that no number
 * comes twice and none is missed that is kept.
 */
export async function* walkSegments(
  core: SegmentCore,
  query: WalkQuery,
): AsyncGenerator<SegmentPart, void, undefined> {
  const snapshot = await openSnapshot(core)
  try {
    const walk = new SealedWalk(core, snapshot, query)
    if (query.order === 'oldest') yield* walk.parts()
    yield* activePart(core, snapshot, query)
    if (query.order === 'newest') yield* walk.parts()
  } finally {
    await snapshot.active?.file.close()
  }
}

function* activePart(
  core: SegmentCore,
  { manifest, active }: Snapshot,
  { wants, onDamage }: WalkQuery,
): Generator<SegmentPart, void, undefined> {
  const entry = manifest.active
  if (!wants(entry)) return
  if (active === null) {
    tellMissing(segmentPath(core.settings.dir, entry), 0, onDamage)
    return
  }
  const first = entry.firstSeq
  const last = Number.MAX_SAFE_INTEGER
  yield { source: active, entry, first, last, doneThrough: 0, doneFrom: last }
}

/** Tells of a segment that is not there. */
function tellMissing(path: string, length: number, onDamage: WalkQuery['onDamage']): void {
  if (onDamage === undefined) {
    throw new PapyraError('anomalies_found', `${path} is missing; what follows was not read.`, {
      details: { path, offset: 0, length },
    })
  }
  onDamage({ path, offset: 0, length })
}

class SealedWalk {
  readonly #core: SegmentCore
  readonly #query: WalkQuery
  /** The numbers from here on are those of the active segment, which is open. */
  readonly #end: number
  #manifest: Manifest
  #doneThrough: number = 0
  #doneFrom: number

  constructor(core: SegmentCore, { manifest }: Snapshot, query: WalkQuery) {
    this.#core = core
    this.#query = query
    this.#manifest = manifest
    this.#end = manifest.active.firstSeq
    this.#doneFrom = this.#end
  }

  async *parts(): AsyncGenerator<SegmentPart, void, undefined> {
    const { settings } = this.#core
    for (let entry = this.#next(); entry !== null; entry = this.#next()) {
      if (!this.#query.wants(entry)) {
        this.#done(entry)
        continue
      }
      const path = segmentPath(settings.dir, entry)
      const file = await openSegment(settings.vfs, path)
      if (file === null) {
        await this.#lookAgain(entry, path)
        continue
      }
      try {
        const source = await sealedSource(file, this.#manifest, entry)
        const { firstSeq: first, lastSeq: last } = entry
        const done = { doneThrough: this.#doneThrough, doneFrom: this.#doneFrom }
        yield { source, entry, first, last, ...done }
      } finally {
        await file.close()
      }
      this.#done(entry)
    }
  }

  #next(): SealedSegment | null {
    const { segments } = this.#manifest
    const open = (entry: SealedSegment): boolean =>
      entry.lastSeq > this.#doneThrough && entry.firstSeq < this.#doneFrom
    const oldest = this.#query.order === 'oldest'
    return (oldest ? segments.find(open) : segments.findLast(open)) ?? null
  }

  #done({ firstSeq, lastSeq }: SealedSegment): void {
    if (this.#query.order === 'oldest') this.#doneThrough = Math.max(this.#doneThrough, lastSeq)
    else this.#doneFrom = Math.min(this.#doneFrom, firstSeq)
  }

  /** A file is gone: it was compacted away, and the manifest says what is there now; or it is missing. */
  async #lookAgain(entry: SealedSegment, path: string): Promise<void> {
    this.#manifest = await currentManifest(this.#core)
    if (!this.#manifest.segments.some((one) => sameSegment(one, entry))) return
    tellMissing(path, entry.bytes, this.#query.onDamage)
    this.#done(entry)
  }
}
