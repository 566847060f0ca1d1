import { dirname } from 'node:path'
import { PapyraError, type HistoryEntry } from '@papyra/contracts'
import { markPath, sidecarPath } from '../format/names.js'
import type { LogScan } from '../scan-types.js'
import type { PendingRewrite, Sidecar } from '../format/sidecar.js'
import type { Vfs, VfsFile } from '../vfs.js'
import { writeMarkFile } from '../write/mark-file.js'
import { writeSidecarFile } from '../write/sidecar-file.js'
import { commitRewrite, withdraw } from './commit.js'
import { discardFile, requireFree, withIo } from './io.js'
import { addCounts, closedFigures, countAppends, withEntry } from './ledger.js'
import { quarantineFiles } from './quarantine.js'
import { type Stretch, writeRemoved } from './removed-file.js'
import { type RepairPlan, nextGeneration, sidecarToGoOnFrom } from './repair-plan.js'
import { copyExtents, copyKept } from './repair-copy.js'
import type { RepairJob } from './repair-job.js'
import { replacePlain } from './replace-plain.js'
import { LogRewriter } from './rewriter.js'
import type { Rewritten } from './rewritten.js'

export interface Repaired {
  /** Files that now hold what was taken out, or the originals. */
  readonly keptAside: readonly string[]
  /** The log's new file, locked; `null` if it is still the old one. */
  readonly file: VfsFile | null
}

/**
 * Carries a plan out. Nothing is changed before everything that will go has been kept aside; it may
 * be interrupted anywhere and run again.
 */
export async function repairLog(job: RepairJob): Promise<Repaired> {
  const { plan, scan, vfs } = job
  if (plan.kind === 'nothing') return { keptAside: [], file: null }
  if (plan.kind === 'rewrite' || plan.kind === 'plain') {
    await requireFree(vfs, scan.path, scan.size + plan.bytesSetAside)
  }
  const keptAside = await keepAside(job)
  if (plan.kind === 'cut') await cutTail(job)
  if (plan.kind === 'plain') return { keptAside, file: await rewritePlain(job) }
  if (plan.kind === 'rewrite') return { keptAside, file: await rewrite(job) }
  if (scan.state === 'checksummed') await renewBeside(job)
  return { keptAside, file: null }
}

/**
 * Keeps everything that the plan takes out, and bad files beside the log; gives where it is. The
 * names say `generation`: the one that the repair makes.
 */
export async function keepAside(
  job: Pick<RepairJob, 'vfs' | 'scan' | 'plan' | 'quarantineDir'>,
  generation: number = nextGeneration(job.scan),
): Promise<string[]> {
  const { vfs, scan, plan, quarantineDir } = job
  const log = scan.path
  if (quarantineDir !== null) {
    const bad = plan.bad.filter((file) => !file.missing).map((file) => file.path)
    const whole = plan.kind === 'beside' ? bad : [log, sidecarPath(log), markPath(log)]
    return quarantineFiles(vfs, quarantineDir, whole, generation)
  }
  const files: VfsFile[] = []
  try {
    const stretches: Stretch[] = []
    for (const { path, code, missing } of plan.bad) {
      if (missing || (await vfs.stat(path))?.type !== 'file') continue
      const file = await withIo('Opening', path, () => vfs.open(path, 'read'))
      files.push(file)
      stretches.push({ file, offset: 0, end: (await file.stat()).size, code })
    }
    if (plan.bytesSetAside > 0) {
      const file = await withIo('Opening', log, () => vfs.open(log, 'read'))
      files.push(file)
      for (const stretch of stretchesOf(scan, plan)) stretches.push({ file, ...stretch })
    }
    return stretches.length === 0 ? [] : [await writeRemoved(vfs, log, generation, stretches)]
  } finally {
    for (const file of files) await file.close()
  }
}

function stretchesOf(scan: LogScan, plan: RepairPlan): readonly Omit<Stretch, 'file'>[] {
  if (plan.kind !== 'cut') return scan.setAside
  return [{ offset: scan.soundEnd, end: scan.size, code: 'torn_tail' }]
}

/** Cuts off what stands behind the last sound line, durably. */
export async function cutTail({ vfs, scan }: Pick<RepairJob, 'vfs' | 'scan'>): Promise<void> {
  const file = await withIo('Opening', scan.path, () => vfs.open(scan.path, 'read-write'))
  try {
    await withIo('Cutting', scan.path, () => file.truncate(scan.soundEnd))
    await withIo('Syncing', scan.path, () => file.sync())
  } finally {
    await file.close()
  }
}

/** Writes mark and sidecar for a log whose bytes are sound now and stay where they are. */
async function renewBeside(job: RepairJob): Promise<void> {
  const { vfs, scan, now } = job
  const { identity, path } = scan
  if (identity === null) return
  // What a killed owner wrote, and the log's name, are about to count as synced.
  if (job.plan.kind === 'beside') await syncInPlace(vfs, path)
  const { logId, generation } = identity
  const acked = scan.lastSeq
  const offset = scan.soundEnd
  await writeMarkFile(vfs, path, { logId, generation, turn: 1, acked, synced: acked, offset })
  const stat = await vfs.stat(path)
  if (stat === null) throw new PapyraError('store_replaced', `${path} is gone.`)
  const sidecar = sidecarToGoOnFrom(scan)
  const totals = countAppends(sidecar.totals, { seq: acked, offset })
  await writeSidecarFile(vfs, path, {
    ...sidecar,
    generation,
    verifiedAt: null,
    clean: true,
    closed: closedFigures(stat, { at: now, lastSeq: acked, records: scan.records ?? 0 }),
    history: withEntry(sidecar.history, historyEntry(job, generation)),
    totals: {
      ...totals,
      values: addCounts(addCounts(totals.values, job.counts), {
        recoveries: job.what === 'upgrade' ? 0 : 1,
      }),
    },
  })
}

/** Makes a file and its name durable, whoever wrote them. */
export async function syncInPlace(vfs: Vfs, path: string): Promise<void> {
  const file = await withIo('Opening', path, () => vfs.open(path, 'read-write'))
  try {
    await withIo('Syncing', path, () => file.sync())
    await withIo('Syncing', path, () => vfs.syncDir(dirname(path)))
  } finally {
    await file.close()
  }
}

function historyEntry(
  { scan, plan, now, what = 'recovery' }: RepairJob,
  generation: number,
): HistoryEntry {
  const lost = plan.losses.reduce((sum, loss) => sum + loss.records, 0)
  const found = Object.entries(scan.anomalyCounts).map(([code, n]) => `${code}: ${n}`)
  const open = scan.unproven === null ? [] : [`unproven after ${scan.unproven.after}`]
  return {
    what,
    at: now,
    generation,
    recordsRemoved: lost,
    bytesRemoved: plan.bytesSetAside,
    detail: [...found, ...open].join(', '),
  }
}

async function rewrite(job: RepairJob): Promise<VfsFile> {
  const { vfs, lock, scan, now } = job
  const log = scan.path
  const sidecar = sidecarToGoOnFrom(scan)
  const rewritten = await copyKept(job)
  const pending = pendingOf(job, sidecar, rewritten)
  const commit = { vfs, log, lock, sidecar, rewritten, pending, now, staysOpen: false }
  let renamed = false
  try {
    await commitRewrite(commit, () => {
      renamed = true
    })
    return rewritten.file
  } catch (error) {
    if (renamed) {
      await rewritten.file.close()
      throw error
    }
    await discardFile(vfs, rewritten.file)
    if (scan.sidecar.state === 'ok') await withdraw(vfs, log, sidecar).catch(() => undefined)
    throw error
  }
}

function pendingOf(job: RepairJob, sidecar: Sidecar, rewritten: Rewritten): PendingRewrite {
  const { scan, plan } = job
  const last = plan.through
  const generation = nextGeneration(scan)
  const entry = historyEntry(job, generation)
  const before = countAppends(sidecar.totals, { seq: last, offset: scan.soundEnd })
  const counts = { recoveries: 1, recordsLost: entry.recordsRemoved }
  return {
    entry,
    losses: plan.losses,
    nextSeq: last + 1,
    compactedThrough: last,
    region: { records: rewritten.records, bytes: rewritten.size, lastSeq: last },
    totals: {
      values: addCounts(addCounts(before.values, job.counts), counts),
      countedSeq: last,
      countedBytes: rewritten.size,
    },
  }
}

/** Replaces a plain log by one that holds the good lines, byte for byte. */
async function rewritePlain(job: RepairJob): Promise<VfsFile> {
  const { vfs, lock, scan } = job
  const log = scan.path
  const stat = await vfs.stat(log)
  if (stat === null) throw new PapyraError('store_replaced', `${log} is gone.`)
  const rewriter = await LogRewriter.create(vfs, log, stat, null)
  try {
    await copyExtents(job, rewriter, null)
    await rewriter.finish(0)
    await replacePlain(vfs, lock, log, rewriter)
    return rewriter.file
  } catch (error) {
    await rewriter.discard()
    throw error
  }
}
