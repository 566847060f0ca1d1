import { PapyraError, type Progress } from '@papyra/contracts'
import { FORMAT } from '../format/head.js'
import { withIo } from '../rewrite/io.js'
import { copyExtents } from '../rewrite/repair-copy.js'
import { cutTail, syncInPlace } from '../rewrite/repair.js'
import { LogRewriter } from '../rewrite/rewriter.js'
import { forEachLine } from '../scan/for-each-line.js'
import { writeMarkFile } from '../write/mark-file.js'
import type { ActiveSegment, SealedSegment } from './manifest.js'
import { segmentPath } from './names.js'
import { closeSegmentFiles, makeSegment } from './new-segment.js'
import { looksFor, type RecoveryJob, seedFor } from './recover-job.js'
import { measureSegment } from './recover-measure.js'
import type { SegmentStep } from './recover-plan.js'

export type RewriteStep = SegmentStep & { readonly do: 'rewrite' }

/** The name of the file that a rewritten segment gets. */
export function rewrittenPath({ scan, plan }: RecoveryJob, { finding }: RewriteStep): string {
  const { firstSeq } = finding.entry
  return segmentPath(scan.dir, { firstSeq, generation: plan.generation })
}

/** Bytes that a rewrite copies. */
export function bytesToCopy({ finding, repair }: RewriteStep): number {
  if (repair !== null) return repair.scan.keep.reduce((n, { offset, end }) => n + end - offset, 0)
  return 'bytes' in finding.entry ? finding.entry.bytes : 0
}

/** True if anything of the segment is left. */
export function leavesAnything({ finding, repair }: RewriteStep): boolean {
  return (repair === null ? finding.records : repair.scan.keep.length) > 0
}

/**
 * Copies what is sound of a segment, byte for byte, into a new file of the new generation, synced,
 * that nothing refers to yet, and reads it back. `null` if no record is left: then there is no file.
 */
export async function rewriteSegment(
  job: RecoveryJob,
  step: RewriteStep,
  onProgress: (progress: Progress) => void,
): Promise<SealedSegment | null> {
  const { vfs, plan, now } = job
  const { finding, range } = step
  const { entry } = finding
  const id = { firstSeq: entry.firstSeq, generation: plan.generation }
  const path = rewrittenPath(job, step)
  const rewriter = await LogRewriter.createAt(vfs, path, await looksFor(job, finding.path), {
    format: FORMAT,
    logId: plan.store.logId,
    ...id,
    created: entry.created,
    blockBytes: plan.store.blockBytes,
  })
  try {
    await copyInto(job, step, rewriter, onProgress)
    if (rewriter.records === 0) {
      await rewriter.discard()
      return null
    }
    const { file, records, size } = await rewriter.finish(range.last)
    const measured = await measureSegment(vfs, path, seedFor(job))
    if (measured.records !== records || measured.bytes !== size) throw readsDifferently(path)
    await withIo('Closing', path, () => file.close())
    const sealed = 'sealed' in entry ? entry.sealed : now
    const reach = { lastSeq: range.last, compactedThrough: range.last }
    return { ...id, ...reach, ...measured, created: entry.created, sealed }
  } catch (error) {
    await rewriter.discard()
    throw error
  }
}

async function copyInto(
  job: RecoveryJob,
  { finding, repair, range }: RewriteStep,
  rewriter: LogRewriter,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const { vfs, signal } = job
  const seed = seedFor(job)
  if (repair !== null) {
    const { scan } = repair
    await copyExtents({ vfs, scan, onProgress, ...(signal && { signal }) }, rewriter, seed, range)
    return
  }
  const { path } = finding
  const source = await withIo('Opening', path, () => vfs.open(path, 'read'))
  try {
    const { size } = await source.stat()
    const all = { from: 0, to: size, seed, ...(signal && { signal }) }
    await forEachLine(source, all, (chunk, start, end, offset, header, sound, _, length) => {
      if (!sound || header === null) throw readsDifferently(path)
      if (header.kind.startsWith('_')) return undefined
      return rewriter.addLine(source, { chunk, start, end, offset, size: length }, header)
    })
    onProgress({ phase: 'copy', doneBytes: size, totalBytes: size, records: rewriter.records })
  } finally {
    await source.close()
  }
}

function readsDifferently(path: string): PapyraError {
  return new PapyraError('io_error', `${path} reads differently than when it was scanned.`, {
    details: { path },
  })
}

/** Makes an empty segment to go on in, and its mark, all of it durable; nothing refers to it yet. */
export async function makeActive(job: RecoveryJob): Promise<ActiveSegment> {
  const { vfs, plan, now, scan } = job
  const { logId, blockBytes } = plan.store
  const id = { firstSeq: plan.nextSeq, generation: plan.generation }
  const looks = await looksFor(job, segmentPath(scan.dir, id))
  const made = await makeSegment(vfs, scan.dir, { ...id, logId, created: now, blockBytes }, looks)
  await closeSegmentFiles(made)
  return { ...id, created: now }
}

/**
 * Makes the active segment sound where it stands: cuts off what was never acknowledged, makes durable
 * what a killed owner wrote, and says so in its mark.
 */
export async function settleActive(
  job: RecoveryJob,
  step: SegmentStep & { readonly do: 'keep' | 'renew' },
): Promise<void> {
  const { vfs, plan } = job
  const { finding } = step
  const { entry, path, scan } = finding
  if (scan === null) throw new PapyraError('internal', `${path} was not scanned`)
  if (step.do === 'renew' && step.repair.plan.kind === 'cut') await cutTail({ vfs, scan })
  else await syncInPlace(vfs, path)
  const { logId } = plan.store
  const acked = Math.max(finding.lastSeq, entry.firstSeq - 1)
  const offset = scan.soundEnd
  const { generation } = entry
  await writeMarkFile(vfs, path, { logId, generation, turn: 1, acked, synced: acked, offset })
}
