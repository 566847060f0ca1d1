import { Buffer } from 'node:buffer'
import { PapyraError } from '@papyra/contracts'
import { checksum, seedOf } from '../format/checksum.js'
import { LF } from '../format/frame.js'
import { FORMAT, encodeHead } from '../format/head.js'
import { markPath } from '../format/names.js'
import { discardFile, withIo, writeAll } from '../rewrite/io.js'
import type { Vfs, VfsFile } from '../vfs.js'
import { type FileLooks, takeLooks } from '../write/atomic-write.js'
import { type BlockTracker, trackFromHead } from '../write/block-tracker.js'
import { type MarkWriter, openMarkWriter } from '../write/mark-file.js'
import { type SegmentId, segmentPath } from './names.js'

export interface SegmentPlan extends SegmentId {
  readonly logId: string
  /** Wall time in ms; the head repeats it. */
  readonly created: number
  readonly blockBytes: number
}

/** A new segment, ready to be appended to once the manifest names it. */
export interface MadeSegment extends SegmentPlan {
  readonly path: string
  readonly file: VfsFile
  readonly mark: MarkWriter
  readonly tracker: BlockTracker
  /** Bytes of its head, which is all it has. */
  readonly offset: number
  /** Checksum of these. */
  readonly sum: number
}

/** Removes a file that the store does not know of, if it is there. */
export async function removeIfThere(vfs: Vfs, path: string): Promise<boolean> {
  const there = (await withIo('Looking at', path, () => vfs.stat(path))) !== null
  if (there) await withIo('Removing', path, () => vfs.unlink(path))
  return there
}

/** No head is longer. */
const MOST_HEAD_BYTES = 64 * 1024

/** Removes what an attempt left: no more than a head. Rejects with `io_error` if there is more. */
async function removeLeftover(vfs: Vfs, path: string): Promise<void> {
  const there = await withIo('Looking at', path, () => vfs.stat(path))
  if (there?.type === 'file' && (await holdsMoreThanHead(vfs, path, there.size))) {
    const text = `${path} is there already, and is more than what an interrupted attempt leaves.`
    throw new PapyraError('io_error', text, { details: { path } })
  }
  if (there !== null) await withIo('Removing', path, () => vfs.unlink(path))
}

async function holdsMoreThanHead(vfs: Vfs, path: string, size: number): Promise<boolean> {
  if (size > MOST_HEAD_BYTES) return true
  const file = await withIo('Opening', path, () => vfs.open(path, 'read'))
  try {
    const bytes = Buffer.alloc(size)
    const read = await withIo('Reading', path, () => file.read(bytes, 0, size, 0))
    const end = bytes.subarray(0, read).indexOf(LF)
    return end >= 0 && end + 1 < read
  } finally {
    await file.close()
  }
}

/**
 * Makes an empty segment and its mark under their final names; both are durable when it resolves.
 * What an interrupted attempt left under these names is removed first: no manifest names it. Rejects
 * with `io_error`, also if more than that stands there, and then leaves nothing, as far as the system lets it.
 */
export async function makeSegment(
  vfs: Vfs,
  dir: string,
  plan: SegmentPlan,
  looks: FileLooks | null,
): Promise<MadeSegment> {
  const path = segmentPath(dir, plan)
  await removeLeftover(vfs, path)
  await removeIfThere(vfs, markPath(path))
  const file = await withIo('Creating', path, () => vfs.open(path, 'create', 0o600))
  try {
    return await fill(vfs, file, plan, looks)
  } catch (error) {
    await discardFile(vfs, file)
    await vfs.unlink(markPath(path)).catch(() => undefined)
    throw error
  }
}

async function fill(
  vfs: Vfs,
  file: VfsFile,
  plan: SegmentPlan,
  looks: FileLooks | null,
): Promise<MadeSegment> {
  const { path } = file
  const { firstSeq, generation, logId, created, blockBytes } = plan
  if (looks !== null) await withIo('Creating', path, () => takeLooks(file, looks))
  const text = encodeHead({
    format: FORMAT,
    logId,
    generation,
    firstSeq,
    nextSeq: firstSeq,
    compactedThrough: 0,
    records: 0,
    created,
    blockBytes,
  })
  const head = Buffer.from(text)
  await writeAll(file, head, 0)
  await withIo('Syncing', path, () => file.sync())
  const before = firstSeq - 1
  const offset = head.length
  // The mark comes with a sync of the folder, which makes the segment's own name durable too.
  const start = { logId, generation, turn: 1, acked: before, synced: before, offset }
  const mark = await openMarkWriter(vfs, path, start)
  const seed = seedOf(logId)
  const tracker = trackFromHead({ generation, firstSeq, blockBytes }, offset, seed)
  return { ...plan, path, file, mark, tracker, offset, sum: checksum(head, seed) }
}

/** Closes the files of a segment and of its mark. */
export async function closeSegmentFiles(made: Pick<MadeSegment, 'file' | 'mark'>): Promise<void> {
  await made.mark.close(false).catch(() => undefined)
  await made.file.close().catch(() => undefined)
}

/** Takes back a segment that no manifest names; what the system does not let go is a trace. */
export async function discardSegment(vfs: Vfs, made: MadeSegment): Promise<void> {
  await closeSegmentFiles(made)
  await vfs.unlink(markPath(made.path)).catch(() => undefined)
  await vfs.unlink(made.path).catch(() => undefined)
}
