import type {
  Backend,
  CompactOptions,
  CompactionReport,
  RecoverOptions,
  RecoveryReport,
  ScanOptions,
  ScanReport,
} from '@papyra/contracts'
import { codeOf, say, type PapyraLogger } from './logger.js'

type Logger = PapyraLogger | undefined

/** Scans a store, and tells how that ended. */
export async function loggedScan(
  logger: Logger,
  backend: Pick<Backend, 'scan'>,
  options: ScanOptions,
): Promise<ScanReport> {
  const report = await telling(logger, 'papyra.scan.failed', () => backend.scan(options))
  const { coverage, records, bytes, durationMs, clean, anomalyCounts } = report
  const fields = { coverage, records, bytes, durationMs }
  if (clean) say(logger, 'papyra.scan.clean', fields)
  else say(logger, 'papyra.scan.anomalies_found', { ...fields, anomalyCounts })
  return report
}

/** Recovers a store, and tells how that ended and what is lost; nothing of a dry run. */
export async function loggedRecovery(
  logger: Logger,
  backend: Pick<Backend, 'recover'>,
  options: RecoverOptions,
): Promise<RecoveryReport> {
  if (options.dryRun === true) return backend.recover(options)
  const report = await telling(logger, 'papyra.recovery.failed', () => backend.recover(options))
  const { mode, changed, before, bytesSetAside, losses, durationMs } = report
  const { anomalyCounts } = before
  say(logger, 'papyra.recovery.completed', {
    ...{ mode, changed, anomalyCounts, bytesSetAside, durationMs },
  })
  for (const { code, records, seq } of losses) {
    const range = { fromSeq: seq?.first ?? null, toSeq: seq?.last ?? null }
    say(logger, 'papyra.records.lost', { code, records, ...range })
  }
  return report
}

/** Compacts a store, and tells how that ended; nothing of a dry run. */
export async function loggedCompaction(
  logger: Logger,
  backend: Pick<Backend, 'compact'>,
  options: CompactOptions,
): Promise<CompactionReport> {
  if (options.dryRun === true) return backend.compact(options)
  const report = await telling(logger, 'papyra.compaction.failed', () => backend.compact(options))
  const { changed, records, bytes, durationMs } = report
  say(logger, 'papyra.compaction.completed', {
    changed,
    recordsRemoved: records.before - records.after,
    bytesReclaimed: bytes.before - bytes.after,
    durationMs,
  })
  return report
}

/** Tells of a failure, and lets it go on. */
export async function telling<T>(
  logger: Logger,
  event:
    | 'papyra.scan.failed'
    | 'papyra.recovery.failed'
    | 'papyra.compaction.failed'
    | 'papyra.store.open_failed'
    | 'papyra.store.close_failed',
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    say(logger, event, { code: codeOf(error) })
    throw error
  }
}
