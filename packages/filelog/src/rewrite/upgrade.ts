import { Buffer } from 'node:buffer'
import { basename, dirname, join } from 'node:path'
import { PapyraError, type UpgradeOptions, type UpgradeReport } from '@papyra/contracts'
import { seedOf } from '../format/checksum.js'
import { parseHeader } from '../format/frame.js'
import { BLOCK_BYTES, FORMAT } from '../format/head.js'
import { isOwnOriginal, originalPath, tempPath } from '../format/names.js'
import type { LogScan } from '../scan-types.js'
import { forEachLine } from '../scan/for-each-line.js'
import { newSidecar } from '../format/sidecar.js'
import type { Vfs, VfsFile } from '../vfs.js'
import type { StoreLock } from '../write/lock.js'
import { trackFromHead } from '../write/block-tracker.js'
import { writeMarkFile } from '../write/mark-file.js'
import { writeSidecarFile } from '../write/sidecar-file.js'
import { filesEqual, requireFree, withIo } from './io.js'
import { closedFigures } from './ledger.js'
import { copyFile } from './quarantine.js'
import { LogRewriter } from './rewriter.js'
import { headWidth, type Copied, type Rewritten } from './rewritten.js'
import { upgradeLine } from './upgrade-line.js'

export interface UpgradeJob extends Omit<UpgradeOptions, 'out'> {
  readonly vfs: Vfs
  /** Held on the store at `target`. */
  readonly lock: StoreLock
  /** A scan of the plain log without anomalies. */
  readonly scan: LogScan
  /** Where the new log goes: the plain log's own path, or one where nothing is. */
  readonly target: string
  readonly now: number
}

export interface Upgraded {
  readonly report: UpgradeReport
  /** The new log, locked; `null` on a dry run. */
  readonly file: VfsFile | null
}

/**
 * Converts a plain log. The original is kept aside, complete and synced, before the new log takes
 * its place in one step; sidecar and mark follow. Killed before that step, the log is plain as
 * before; killed after it, `finishUpgrade` adds what is missing.
 */
export async function upgradeLog(job: UpgradeJob): Promise<Upgraded> {
  const { vfs, scan, target, lock } = job
  const inPlace = target === scan.path
  if (!job.dryRun) await requireFree(vfs, target, scan.size * (inPlace ? 3 : 2))
  const source = await withIo('Opening', scan.path, () => vfs.open(scan.path, 'read'))
  try {
    const logId = vfs.randomHex(16)
    if (job.dryRun === true) return { report: await dryRun(job, source, logId), file: null }
    const rewriter = await LogRewriter.create(vfs, target, await source.stat(), planOf(job, logId))
    let rewritten: Rewritten
    let kept: string | null
    try {
      await convert(job, source, logId, (line, record) =>
        rewriter.add(line, 0, line.length - 1, record),
      )
      rewritten = await rewriter.finish(rewriter.records)
      kept = inPlace ? await keepOriginal(vfs, source) : null
      await lock.lockLog(rewriter.file)
      await withIo('Renaming', target, () => vfs.rename(rewriter.file.path, target))
    } catch (error) {
      await rewriter.discard()
      throw error
    }
    await withIo('Syncing', target, () => vfs.syncDir(dirname(target)))
    const { records, size } = rewritten
    await writeBeside(job, logId, rewritten)
    return { report: reportOf(job, { records, size, logId, kept }), file: rewritten.file }
  } finally {
    await source.close()
  }
}

function planOf(job: UpgradeJob, logId: string) {
  const base = { format: FORMAT, logId, generation: 1, firstSeq: 1 }
  return { ...base, created: job.now, blockBytes: BLOCK_BYTES }
}

function reportOf(
  job: UpgradeJob,
  done: { records: number; size: number; logId: string | null; kept: string | null },
): UpgradeReport {
  return {
    location: job.scan.path,
    out: job.target,
    dryRun: job.dryRun === true,
    changed: true,
    records: done.records,
    bytes: { before: job.scan.size, after: done.size },
    logId: done.logId,
    originalKeptAs: done.kept,
  }
}

/** Hands each line in its new form to `take`; gives the number of them. */
async function convert(
  job: UpgradeJob,
  source: VfsFile,
  logId: string,
  take: (line: Buffer, record: Copied) => Promise<void> | undefined,
): Promise<number> {
  const { scan, signal, onProgress } = job
  const seed = seedOf(logId)
  let seq = 0
  const range = { from: 0, to: scan.size, seed: null, ...(signal && { signal }) }
  await forEachLine(source, range, (chunk, start, end, offset) => {
    const line = upgradeLine(
      Buffer.from(chunk.buffer, chunk.byteOffset + start, end - start),
      ++seq,
      seed,
    )
    if (line === null) {
      throw new PapyraError(
        'anomalies_found',
        `${scan.path}: the line at byte ${offset} cannot be upgraded.`,
        {
          details: { path: scan.path, offset },
        },
      )
    }
    if (seq % 4096 === 0) {
      onProgress?.({ phase: 'upgrade', doneBytes: offset, totalBytes: scan.size, records: seq })
    }
    return take(line, { ...parseHeader(line, 0, line.length - 1), seq })
  })
  return seq
}

async function dryRun(job: UpgradeJob, source: VfsFile, logId: string): Promise<UpgradeReport> {
  const plan = planOf(job, logId)
  const tracker = trackFromHead(plan, headWidth(plan), seedOf(logId))
  let answered = 0
  const records = await convert(job, source, logId, (line, { seq, kind, timestamp }) => {
    tracker.record(seq, line.length, kind, timestamp)
    if (!tracker.due()) return undefined
    answered = seq
    tracker.closeBlock()
    return undefined
  })
  // A rewrite ends with a mark, also if its last block is short or there is no record.
  if (records > answered) tracker.closeBlock(records)
  return reportOf(job, { records, size: tracker.end, logId: null, kept: null })
}

/** Copies the original aside; one that an earlier, interrupted upgrade kept is used again. */
async function keepOriginal(vfs: Vfs, source: VfsFile): Promise<string> {
  const log = source.path
  const folder = dirname(log)
  for (const name of await vfs.readdir(folder)) {
    if (!isOwnOriginal(basename(log), name)) continue
    if (await filesEqual(vfs, source, join(folder, name))) return join(folder, name)
  }
  const path = originalPath(log, vfs.randomHex(6))
  const temp = tempPath(log, vfs.randomHex(6))
  await copyFile(vfs, source, temp)
  await withIo('Renaming', path, () => vfs.rename(temp, path))
  await withIo('Syncing', path, () => vfs.syncDir(folder))
  return path
}

async function writeBeside(job: UpgradeJob, logId: string, rewritten: Rewritten): Promise<void> {
  const { vfs, target, now } = job
  const { records, size, file } = rewritten
  const generation = 1
  await writeMarkFile(vfs, target, {
    logId,
    generation,
    turn: 1,
    acked: records,
    synced: records,
    offset: size,
  })
  const stat = await file.stat()
  await writeSidecarFile(vfs, target, {
    ...newSidecar({ format: FORMAT, logId, generation, created: now }),
    clean: true,
    closed: closedFigures(stat, { at: now, lastSeq: records, records }),
    nextSeq: records + 1,
    compactedThrough: records,
    region: { records, bytes: size, lastSeq: records },
    history: [
      {
        what: 'upgrade',
        at: now,
        generation,
        recordsRemoved: 0,
        bytesRemoved: 0,
        detail: `${records} records`,
      },
    ],
    totals: {
      values: { recordsWritten: records, bytesWritten: size },
      countedSeq: records,
      countedBytes: size,
    },
  })
}

/** True if the scan shows an upgrade that was killed before it wrote sidecar and mark. */
export async function isUnfinishedUpgrade(vfs: Vfs, scan: LogScan): Promise<boolean> {
  const { head, path, sidecar, mark, anomalyCounts } = scan
  if (scan.state !== 'checksummed' || head === null || head.generation !== 1) return false
  if (sidecar.state !== 'missing' || !scan.bytesSound || scan.losses.length > 0) return false
  const codes = Object.entries(anomalyCounts).filter(([, n]) => n > 0)
  if (!codes.every(([code]) => code === 'sidecar_missing' || code === 'mark_missing')) return false
  if (mark.state === 'ok' && mark.mark.acked !== head.nextSeq - 1) return false
  const names = await vfs.readdir(dirname(path))
  return names.some((name) => isOwnOriginal(basename(path), name))
}
