import type { LogScan } from '../scan-types.js'
import type { VfsFile } from '../vfs.js'
import {
  type Done,
  type Planned,
  commitOrUndo,
  copyMarked,
  copyWithProgress,
  figures,
  pendingOf,
  slowed,
  startCopy,
} from './compact-job.js'
import { RecordCopier } from './copy-records.js'
import { requireFree, withIo } from './io.js'
import { sidecarToGoOnFrom } from './repair-plan.js'
import { replacePlain } from './replace-plain.js'
import { LogRewriter } from './rewriter.js'
import type { Rewritten } from './rewritten.js'
import type { StoreCore } from './store-core.js'

/** Compacts a log that takes no appends and was found sound. */
export async function compactAtRest(
  core: StoreCore,
  request: Planned,
  scan: LogScan,
): Promise<Done> {
  const { vfs, log, clock } = core.settings
  const lock = core.requireOwner('compact')
  await requireFree(vfs, log, scan.size)
  const source = await withIo('Opening', log, () => vfs.open(log, 'read'))
  try {
    if (scan.state === 'plain') return await compactPlain(core, { request, source, scan })
    const job = await startCopy(core, request, source)
    const { rewriter, copier } = job
    let rewritten: Rewritten
    try {
      const from = await copyMarked(job, source, scan.soundEnd)
      await copyWithProgress(job, request, from, scan.soundEnd)
      copier.finish(scan.lastSeq, scan.soundEnd)
      rewritten = await rewriter.finish(scan.lastSeq)
    } catch (error) {
      await rewriter.discard()
      throw error
    }
    const now = clock.now()
    const sidecar = sidecarToGoOnFrom(scan)
    const base = { vfs, log, lock, sidecar, rewritten, now, staysOpen: false }
    const reach = { seq: scan.lastSeq, offset: scan.soundEnd }
    await commitOrUndo(core, {
      ...base,
      pending: pendingOf(core, { sidecar, reach, job, rewritten }),
    })
    await core.replaceLogFile(rewritten.file)
    return figures(job, scan.soundEnd, rewritten)
  } finally {
    await source.close()
  }
}

async function compactPlain(
  core: StoreCore,
  { request, source, scan }: { request: Planned; source: VfsFile; scan: LogScan },
): Promise<Done> {
  const { vfs, log } = core.settings
  const { keep, signal, brake } = request
  const looks = await source.stat()
  const rewriter = await LogRewriter.create(vfs, log, looks, null, { pacer: brake, signal })
  const copier = new RecordCopier({
    source: slowed(source, request),
    rewriter,
    head: null,
    keep,
    signal,
  })
  let rewritten: Rewritten
  try {
    await copyWithProgress({ copier, rewriter }, request, 0, scan.size)
    rewritten = await rewriter.finish(0)
    await replacePlain(vfs, core.requireOwner('compact'), log, rewriter)
  } catch (error) {
    await rewriter.discard()
    throw error
  }
  await core.replaceLogFile(rewritten.file)
  return {
    before: { generation: 0, records: copier.seen, bytes: scan.size },
    after: { generation: 0, records: rewritten.records, bytes: rewritten.size },
  }
}
