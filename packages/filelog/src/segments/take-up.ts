import type { Identity, LogScan } from '../scan-types.js'
import { trackerFor } from '../rewrite/tracker-for.js'
import type { VfsFile } from '../vfs.js'
import { AppendQueue } from '../write/append-queue.js'
import { openMarkWriter } from '../write/mark-file.js'
import type { FiguresMeter } from '../format/figures.js'
import type { ManifestKeeper } from './manifest-file.js'
import { Rotator } from './rotate.js'
import type { SegmentCore } from './segment-core.js'

/** The active segment as a scan found it, and what has to be known to append to it. */
export interface ActiveStart {
  readonly file: VfsFile
  readonly scan: LogScan
  readonly identity: Identity
  readonly nextSeq: number
  readonly figures: FiguresMeter
  /** Checksum of all its bytes; `null` if they are not to be taken as they are. */
  readonly sum: number | null
}

export interface TakenUp {
  readonly queue: AppendQueue
  readonly rotator: Rotator
}

/** Opens the active segment for appends. Everything in it has to be synced. */
export async function takeUp(
  core: SegmentCore,
  manifest: ManifestKeeper,
  start: ActiveStart,
): Promise<TakenUp> {
  const { vfs, clock, ack, maxRecordBytes, maxWaitingBytes } = core.settings
  const { file, scan, identity, nextSeq, figures, sum } = start
  const { path } = file
  const { logId, generation, seed, compactedThrough } = identity
  const acked = nextSeq - 1
  const offset = scan.soundEnd
  const said = { logId, generation, turn: 1, acked, synced: acked, offset }
  const mark = await openMarkWriter(vfs, path, said)
  const active = { ...manifest.current.active, path, file, mark, compactedThrough }
  const rotator = new Rotator(core, core.settings, { manifest, active, figures })
  const queue = new AppendQueue({
    vfs,
    path,
    file,
    mark,
    tracker: trackerFor(scan, identity, acked),
    offset,
    ...(sum !== null && { sum }),
    seed,
    nextSeq,
    ack,
    maxRecordBytes,
    maxWaitingBytes,
    clock,
    rotation: rotator,
    onWritten: (chunks, firstSeq, lengths) => rotator.written(chunks, firstSeq, lengths),
  })
  rotator.attach(queue)
  return { queue, rotator }
}
