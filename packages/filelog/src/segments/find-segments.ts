import type { Anomaly } from '@papyra/contracts'
import { seedOf } from '../format/checksum.js'
import { scanSegment } from '../scan/scan-log.js'
import { readMarkFile } from '../write/mark-file.js'
import { many } from '../scan/findings.js'
import type { VfsStat } from '../vfs.js'
import { scanDamaged } from './damaged-segment.js'
import { isHeadOf } from './folder.js'
import type { ActiveSegment, Manifest, SealedSegment } from './manifest.js'
import { segmentName, segmentPath } from './names.js'
import {
  anomalyOf,
  isSealed,
  lineOptions,
  type FoundSegment,
  type SegmentProgress,
  type SegmentsJob,
} from './scan-job.js'
import { verifySeal } from './scan-sealed.js'
import { misplacedAnomaly, numbersThere, sameStat, WHY, type Stands } from './segment-anomalies.js'
import { givenOfActive } from './segment-beside.js'
import { stampOf } from './stamp.js'

/** Finds the segments that a manifest names: under their names, or elsewhere in the folder. */
export class SegmentFinder {
  readonly #job: SegmentsJob
  readonly #manifest: Manifest
  readonly #seed: number
  readonly #progress: SegmentProgress
  /** Files that are known to be a segment's. */
  readonly #claimed: Set<string> = new Set()

  constructor(job: SegmentsJob, manifest: Manifest, progress: SegmentProgress) {
    this.#job = job
    this.#manifest = manifest
    this.#seed = seedOf(manifest.logId)
    this.#progress = progress
  }

  /** All of them, in the order of the manifest, the active one last. */
  async all(): Promise<readonly FoundSegment[]> {
    const { segments, active } = this.#manifest
    const found = new Map<SealedSegment, FoundSegment>()
    for (const entry of segments) {
      const stat = await this.#verifies(entry)
      if (stat !== null) found.set(entry, this.#sound(entry, stampOf(stat)))
    }
    const activeStands = await this.#stands(active, Number.MAX_SAFE_INTEGER)
    if (activeStands === 'own') this.#claimed.add(segmentName(active))
    const pending = segments.filter((entry) => !found.has(entry))
    for (const entry of pending) {
      const elsewhere = await this.#exactElsewhere(entry)
      if (elsewhere !== null) found.set(entry, this.#misplaced(entry, elsewhere))
    }
    for (const entry of pending) {
      if (!found.has(entry)) found.set(entry, await this.#notSound(entry))
    }
    const last = await this.#active(active, activeStands)
    return [...segments.map((entry) => found.get(entry) as FoundSegment), last]
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
    this.#claimed.add(file)
    this.#progress.records(records)
    const path = segmentPath(this.#job.dir, entry)
    const base = { entry, sealed: true, path, scan: null, records, lastSeq, stamp }
    return { finding: { ...base, state: 'sound' }, anomalies: [], losses: [], file }
  }

  /** Whether the file under a segment's name is that segment, as far as its beginning tells. */
  async #stands(entry: ActiveSegment, lastSeq: number): Promise<Stands> {
    const { folder } = this.#job
    const name = segmentName(entry)
    const stat = await folder.stat(name)
    if (stat === null) return 'absent'
    if (stat.type !== 'file') return 'no_file'
    const look = await folder.look(name)
    if (look === null) return 'absent'
    const ours = look.head?.logId === this.#manifest.logId
    if (ours && look.head?.firstSeq === entry.firstSeq) return 'own'
    const seq = await folder.soundSeq(name, this.#seed)
    if (seq !== null) return seq >= entry.firstSeq && seq <= lastSeq ? 'own' : 'other'
    if (look.head === null) return 'nothing'
    return ours ? 'other' : 'foreign'
  }

  /** The file that holds just the bytes of a segment, under another name. */
  async #exactElsewhere(entry: SealedSegment): Promise<string | null> {
    const { folder } = this.#job
    for (const name of await this.#candidates(entry)) {
      const look = await folder.look(name)
      if (look?.size !== entry.bytes) continue
      if ((await this.#verifySeal(folder.path(name), entry)).state === 'sound') return name
    }
    return null
  }

  /** Files under other names that are this segment, by their head, or if that is gone by a record. */
  async #candidates(entry: ActiveSegment): Promise<readonly string[]> {
    const { folder } = this.#job
    const own = segmentName(entry)
    const last = isSealed(entry) ? entry.lastSeq : Number.MAX_SAFE_INTEGER
    const byHead: string[] = []
    const byRecord: string[] = []
    for (const name of await folder.segmentFiles()) {
      if (name === own || this.#claimed.has(name)) continue
      const head = (await folder.look(name))?.head ?? null
      if (isHeadOf(head, this.#manifest.logId, entry)) byHead.push(name)
      if (head !== null) continue
      const seq = (await folder.soundSeq(name, this.#seed)) ?? 0
      if (seq >= entry.firstSeq && seq <= last) byRecord.push(name)
    }
    return [...byHead, ...byRecord]
  }

  /** The file to look for a segment in; `null` if there is none. */
  async #fileOf(entry: ActiveSegment, stands: Stands): Promise<string | null> {
    const own = segmentName(entry)
    if (stands === 'own') return own
    const elsewhere = (await this.#candidates(entry))[0]
    return elsewhere ?? (stands === 'nothing' ? own : null)
  }

  #misplaced(entry: SealedSegment, file: string): FoundSegment {
    this.#claimed.add(file)
    const { records, lastSeq, firstSeq } = entry
    const path = this.#job.folder.path(file)
    const anomaly = misplacedAnomaly(path, entry, { first: firstSeq, last: lastSeq }, records)
    const base = { entry, sealed: true, path, scan: null, records, lastSeq }
    return { finding: { ...base, state: 'misplaced' }, anomalies: [anomaly], losses: [], file }
  }

  async #notSound(entry: SealedSegment): Promise<FoundSegment> {
    const { dir, folder } = this.#job
    const stands = await this.#stands(entry, entry.lastSeq)
    const own = segmentName(entry)
    const file = await this.#fileOf(entry, stands)
    if (file === null) return this.#missing(entry, stands)
    const scan = await scanDamaged(this.#job, this.#manifest, entry, folder.path(file))
    if (scan === null) return this.#missing(entry, 'absent')
    if (scan.identity !== null && scan.identity.logId !== this.#manifest.logId)
      return this.#missing(entry, 'foreign')
    this.#claimed.add(file)
    this.#progress.records(scan.records ?? 0)
    const { firstSeq: first, lastSeq: last } = entry
    const moved =
      file === own
        ? []
        : [misplacedAnomaly(folder.path(file), entry, { first, last }, scan.records ?? 0)]
    const path = file === own ? segmentPath(dir, entry) : folder.path(file)
    return {
      finding: {
        entry,
        sealed: true,
        path,
        state: 'damaged',
        scan,
        records: scan.records ?? 0,
        lastSeq: last,
      },
      anomalies: [...moved, ...scan.anomalies],
      losses: scan.losses,
      file,
    }
  }

  #missing(entry: SealedSegment, stands: Stands): FoundSegment {
    const { firstSeq, lastSeq, records } = entry
    return this.#gone(entry, true, stands, { first: firstSeq, last: lastSeq, records })
  }

  #gone(
    entry: SealedSegment | ActiveSegment,
    sealed: boolean,
    stands: Stands,
    { first, last, records }: { first: number; last: number; records: number },
  ): FoundSegment {
    const path = segmentPath(this.#job.dir, entry)
    const code = stands === 'foreign' ? 'foreign_log' : 'missing_segment'
    const seq = last < first ? null : { first, last }
    const loss = records > 0
    const detail = `${WHY[stands]} ${many(records, 'record')} of it missing.`
    const anomalies: Anomaly[] = [anomalyOf(code, path, detail, { seq, records, loss })]
    const finding = {
      entry,
      sealed,
      path,
      state: 'missing' as const,
      scan: null,
      records: 0,
      lastSeq: last,
    }
    return { finding, anomalies, losses: loss ? [{ seq, records, code }] : [], file: null }
  }

  async #active(entry: ActiveSegment, stands: Stands): Promise<FoundSegment> {
    const { vfs, dir, folder, options } = this.#job
    const own = segmentName(entry)
    const file = await this.#fileOf(entry, stands)
    if (file === null) return this.#activeGone(entry, stands)
    const path = file === own ? segmentPath(dir, entry) : folder.path(file)
    const given = givenOfActive(dir, this.#manifest)
    const scan = await scanSegment(
      vfs,
      path,
      given,
      lineOptions(this.#job, options.ownerAlive === true),
    )
    if (scan === null) return this.#activeGone(entry, 'absent')
    if (scan.identity !== null && scan.identity.logId !== this.#manifest.logId)
      return this.#activeGone(entry, 'foreign')
    this.#claimed.add(file)
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

  async #activeGone(entry: ActiveSegment, stands: Stands): Promise<FoundSegment> {
    const { dir, vfs } = this.#job
    const { logId, nextSeq, closed } = this.#manifest
    const mark = await readMarkFile(vfs, segmentPath(dir, entry))
    const ends = [nextSeq - 1, entry.firstSeq - 1, closed?.lastSeq ?? 0]
    if (mark.state === 'ok' && mark.mark.logId === logId) ends.push(mark.mark.acked)
    const first = entry.firstSeq
    const last = Math.max(...ends)
    const records = numbersThere(this.#manifest, first, last)
    return this.#gone(entry, false, stands, { first, last, records })
  }
}
