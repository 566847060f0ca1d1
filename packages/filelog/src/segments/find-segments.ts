import { isPapyraError } from '@papyra/contracts'
import { seedOf } from '../format/checksum.js'
import { scanSegment } from '../scan/scan-log.js'
import type { VfsStat } from '../vfs.js'
import { extentOf, goneSegment, refusedSegment } from './absent-segment.js'
import { scanDamaged } from './damaged-segment.js'
import type { ActiveSegment, Manifest, SealedSegment } from './manifest.js'
import { segmentName, segmentPath } from './names.js'
import {
  isSealed,
  lineOptions,
  type FoundSegment,
  type SegmentProgress,
  type SegmentsJob,
  type Vanished,
} from './scan-job.js'
import { verifySeal } from './scan-sealed.js'
import { misplacedAnomaly, sameStat, type Stands } from './segment-anomalies.js'
import { givenOfActive } from './segment-beside.js'
import { SegmentPlaces } from './segment-places.js'
import { stampOf } from './stamp.js'

/** Finds the segments that a manifest names: under their names, or elsewhere in the folder. */
export class SegmentFinder {
  readonly #job: SegmentsJob
  readonly #manifest: Manifest
  readonly #progress: SegmentProgress
  readonly #places: SegmentPlaces
  #vanished: Vanished = { files: 0, bytes: 0 }

  constructor(job: SegmentsJob, manifest: Manifest, progress: SegmentProgress) {
    this.#job = job
    this.#manifest = manifest
    this.#progress = progress
    const { logId } = manifest
    this.#places = new SegmentPlaces(job.folder, { logId, seed: seedOf(logId) })
  }

  /** What a living owner compacted away before it could be looked at. */
  get vanished(): Vanished {
    return this.#vanished
  }

  /**
   * All of them, in the order of the manifest, the active one last; but for what a living owner has
   * compacted away meanwhile.
   */
  async all(): Promise<readonly FoundSegment[]> {
    const { segments, active } = this.#manifest
    const found = new Map<SealedSegment, FoundSegment>()
    for (const entry of segments) {
      const segment = await this.#orUnreadable(entry, () => this.#sealed(entry))
      if (segment !== null) found.set(entry, segment)
    }
    const activeStands = await this.#places.stands(active)
    if (activeStands === 'own') this.#places.claim(segmentName(active))
    const pending = segments.filter((entry) => !found.has(entry))
    for (const entry of pending) {
      const elsewhere = await this.#exactElsewhere(entry)
      if (elsewhere !== null) found.set(entry, this.#misplaced(entry, elsewhere))
    }
    for (const entry of pending) {
      if (found.has(entry)) continue
      const segment = await this.#unlessGone(entry, () =>
        this.#orUnreadable(entry, () => this.#notSound(entry)),
      )
      if (segment !== null) found.set(entry, segment)
    }
    const last = await this.#unlessGone(active, () => this.#last(activeStands))
    return [...segments.map((entry) => found.get(entry)), last].filter((one) => one != null)
  }

  /** What is wrong with a segment is no matter once a living owner has done away with it. */
  async #unlessGone(
    entry: SealedSegment | ActiveSegment,
    work: () => Promise<FoundSegment | null>,
  ): Promise<FoundSegment | null> {
    const { later } = this.#job
    const gone = async (): Promise<boolean> => (await later?.isGone(entry)) ?? false
    const found = isSealed(entry) && (await gone()) ? null : await work()
    if (found !== null && (found.anomalies.length === 0 || !(await gone()))) return found
    const { files, bytes } = this.#vanished
    this.#vanished = { files: files + 1, bytes: bytes + (isSealed(entry) ? entry.bytes : 0) }
    return null
  }

  /** The active segment; as a sealed one if a living owner has sealed it meanwhile. */
  async #last(stands: Stands): Promise<FoundSegment | null> {
    const { active } = this.#manifest
    const found = await this.#orUnreadable(active, () => this.#active(active, stands))
    if (found?.anomalies.length === 0) return found
    const entry = (await this.#job.later?.sealed(active)) ?? null
    if (entry === null) return found
    return this.#orUnreadable(
      entry,
      async () => (await this.#sealed(entry)) ?? this.#notSound(entry),
    )
  }

  /** A segment that may not be read is no reason not to look at the others. */
  async #orUnreadable(
    entry: SealedSegment | ActiveSegment,
    work: () => Promise<FoundSegment | null>,
  ): Promise<FoundSegment | null> {
    try {
      return await work()
    } catch (error) {
      if (!isPapyraError(error, 'unreadable')) throw error
      this.#places.claim(segmentName(entry))
      const extent = await extentOf(this.#job, this.#manifest, entry)
      return refusedSegment(this.#job.dir, entry, error, extent)
    }
  }

  /** `null` unless its bytes are those that were sealed. */
  async #sealed(entry: SealedSegment): Promise<FoundSegment | null> {
    const stat = await this.#verifies(entry)
    return stat === null ? null : this.#sound(entry, stampOf(stat))
  }

  async #verifies(entry: SealedSegment): Promise<VfsStat | null> {
    const { vfs, dir, options } = this.#job
    const name = segmentName(entry)
    const path = segmentPath(dir, entry)
    const known = options.verified?.get(name)
    if (known?.checksum === entry.checksum && sameStat(known.stat, await vfs.stat(path))) {
      this.#progress.bytes(entry.bytes)
      return known.stat
    }
    const result = await this.#verifySeal(path, entry)
    if (result.state !== 'sound') return null
    options.verified?.set(name, { stat: result.stat, checksum: entry.checksum })
    return result.stat
  }

  #verifySeal(path: string, entry: SealedSegment): ReturnType<typeof verifySeal> {
    const { vfs, options } = this.#job
    const { signal, pacer } = options
    const onBytes = (bytes: number): void => this.#progress.bytes(bytes)
    return verifySeal({ vfs, logId: this.#manifest.logId, signal, pacer, onBytes }, path, entry)
  }

  #sound(entry: SealedSegment, stamp: string): FoundSegment {
    const { records, lastSeq } = entry
    const file = segmentName(entry)
    this.#places.claim(file)
    this.#progress.records(records)
    const path = segmentPath(this.#job.dir, entry)
    const base = { entry, sealed: true, path, scan: null, records, lastSeq, stamp }
    return { finding: { ...base, state: 'sound' }, anomalies: [], losses: [], file }
  }

  /** The file that holds just the bytes of a segment, under another name. */
  async #exactElsewhere(entry: SealedSegment): Promise<string | null> {
    const { folder } = this.#job
    for (const name of await this.#places.candidates(entry)) {
      const look = await folder.look(name)
      if (look?.size !== entry.bytes) continue
      const result = await this.#verifySeal(folder.path(name), entry).catch(unlessUnreadable)
      if (result?.state === 'sound') return name
    }
    return null
  }

  #misplaced(entry: SealedSegment, file: string): FoundSegment {
    this.#places.claim(file)
    const { records, lastSeq, firstSeq } = entry
    const path = this.#job.folder.path(file)
    const anomaly = misplacedAnomaly(path, entry, { first: firstSeq, last: lastSeq }, records)
    const base = { entry, sealed: true, path, scan: null, records, lastSeq }
    return { finding: { ...base, state: 'misplaced' }, anomalies: [anomaly], losses: [], file }
  }

  async #notSound(entry: SealedSegment): Promise<FoundSegment> {
    const { dir, folder } = this.#job
    const stands = await this.#places.stands(entry)
    const own = segmentName(entry)
    const file = await this.#places.fileOf(entry, stands)
    if (file === null) return this.#gone(entry, stands)
    const scan = await scanDamaged(this.#job, this.#manifest, entry, folder.path(file))
    if (scan === null) return this.#gone(entry, 'absent')
    if (scan.identity !== null && scan.identity.logId !== this.#manifest.logId)
      return this.#gone(entry, 'foreign')
    this.#places.claim(file)
    this.#progress.records(scan.records ?? 0)
    const { firstSeq: first, lastSeq: last } = entry
    const moved =
      file === own
        ? []
        : [misplacedAnomaly(folder.path(file), entry, { first, last }, scan.records ?? 0)]
    const path = file === own ? segmentPath(dir, entry) : folder.path(file)
    const base = { entry, sealed: true, path, scan, records: scan.records ?? 0, lastSeq: last }
    return {
      finding: { ...base, state: 'damaged' },
      anomalies: [...moved, ...scan.anomalies],
      losses: scan.losses,
      file,
    }
  }

  async #gone(entry: SealedSegment | ActiveSegment, stands: Stands): Promise<FoundSegment> {
    const refused = this.#job.folder.refusal(segmentName(entry))
    if (stands === 'refused' && refused !== null) throw refused
    const extent = await extentOf(this.#job, this.#manifest, entry)
    return goneSegment(this.#job.dir, entry, stands, extent)
  }

  async #active(entry: ActiveSegment, stands: Stands): Promise<FoundSegment> {
    const { vfs, dir, folder, options } = this.#job
    const own = segmentName(entry)
    const file = await this.#places.fileOf(entry, stands)
    if (file === null) return this.#gone(entry, stands)
    const path = file === own ? segmentPath(dir, entry) : folder.path(file)
    const given = givenOfActive(dir, this.#manifest)
    const scan = await scanSegment(
      vfs,
      path,
      given,
      lineOptions(this.#job, options.ownerAlive === true),
    )
    if (scan === null) return this.#gone(entry, 'absent')
    if (scan.identity !== null && scan.identity.logId !== this.#manifest.logId)
      return this.#gone(entry, 'foreign')
    this.#places.claim(file)
    this.#progress.bytes(scan.size)
    const records = scan.records ?? 0
    const seq = records === 0 ? null : { first: entry.firstSeq, last: scan.lastSeq }
    const moved = file === own ? [] : [misplacedAnomaly(path, entry, seq, records)]
    const clean = scan.anomalies.length === 0
    const state = !clean ? 'damaged' : file === own ? 'sound' : 'misplaced'
    const { lastSeq, anomalies, losses } = scan
    return {
      finding: { entry, sealed: false, path, state, scan, records, lastSeq },
      anomalies: [...moved, ...anomalies],
      losses,
      file,
    }
  }
}

function unlessUnreadable(error: unknown): null {
  if (isPapyraError(error, 'unreadable')) return null
  throw error
}
