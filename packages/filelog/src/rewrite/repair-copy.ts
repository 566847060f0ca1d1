import { PapyraError, type SeqRange } from '@papyra/contracts'
import { BLOCK_BYTES, FORMAT } from '../format/head.js'
import { sidecarPath } from '../format/names.js'
import type { Extent } from '../scan-types.js'
import { forEachLine } from '../scan/for-each-line.js'
import type { VfsFile } from '../vfs.js'
import { withIo } from './io.js'
import type { RepairJob } from './repair-job.js'
import { nextGeneration } from './repair-plan.js'
import { LogRewriter } from './rewriter.js'
import type { Rewritten } from './rewritten.js'

/** Copies what is kept into a new generation, under its temporary name. */
export async function copyKept(job: RepairJob): Promise<Rewritten> {
  const { vfs, scan, plan } = job
  const { identity, head, path } = scan
  if (identity === null) throw new PapyraError('internal', `${path} has no identity`)
  const like = (await vfs.stat(path)) ?? (await vfs.stat(sidecarPath(path)))
  const rewriter = await LogRewriter.create(vfs, path, like ?? { mode: 0o600, uid: 0, gid: 0 }, {
    format: FORMAT,
    logId: identity.logId,
    generation: nextGeneration(scan),
    firstSeq: head?.firstSeq ?? 1,
    created: identity.created,
    blockBytes: identity.blockBytes > 0 ? identity.blockBytes : BLOCK_BYTES,
  })
  try {
    await copyExtents(job, rewriter, identity.seed)
    return await rewriter.finish(plan.through)
  } catch (error) {
    await rewriter.discard()
    throw error
  }
}

const ALL: SeqRange = { first: 0, last: Number.MAX_SAFE_INTEGER }

/** A log that was scanned, and how its copy may be watched and stopped. */
export type CopyJob = Pick<RepairJob, 'vfs' | 'scan' | 'signal' | 'onProgress'>

/** Copies every extent, in the order of the numbers; of records outside `only` nothing. */
export async function copyExtents(
  job: CopyJob,
  rewriter: LogRewriter,
  seed: number | null,
  only: SeqRange = ALL,
): Promise<void> {
  const { vfs, scan, onProgress } = job
  if (scan.keep.length === 0) return
  const source = await withIo('Opening', scan.path, () => vfs.open(scan.path, 'read'))
  const totalBytes = scan.keep.reduce((sum, { offset, end }) => sum + end - offset, 0)
  let doneBytes = 0
  try {
    for (const extent of scan.keep) {
      await copyExtent({ ...job, source, rewriter, seed, only }, extent)
      doneBytes += extent.end - extent.offset
      onProgress?.({ phase: 'copy', doneBytes, totalBytes, records: rewriter.records })
    }
  } finally {
    await source.close()
  }
}

interface ExtentCopy extends CopyJob {
  readonly source: VfsFile
  readonly rewriter: LogRewriter
  readonly seed: number | null
  readonly only: SeqRange
}

/** Copies one extent; every line must be as the scan saw it. */
async function copyExtent(copy: ExtentCopy, extent: Extent): Promise<void> {
  const { source, rewriter, seed, only, scan, signal } = copy
  let seen = 0
  const range = { from: extent.offset, to: extent.end, seed, ...(signal && { signal }) }
  await forEachLine(source, range, (chunk, start, end, offset, header, sound, _, size) => {
    if (!sound || (seed !== null && header === null)) throw changed(scan.path, offset)
    const seq = header?.seq ?? extent.firstSeq + seen
    seen++
    if (seq < only.first || seq > only.last) return undefined
    return rewriter.addLine(source, { chunk, start, end, offset, size }, { ...header, seq })
  })
  if (seen !== extent.records) throw changed(scan.path, extent.offset)
}

function changed(path: string, offset: number): PapyraError {
  return new PapyraError(
    'io_error',
    `${path} reads differently at byte ${offset} than when it was scanned.`,
    {
      details: { path, offset },
    },
  )
}
