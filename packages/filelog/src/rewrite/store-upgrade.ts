import { PapyraError, type UpgradeOptions, type UpgradeReport } from '@papyra/contracts'
import type { LogScan } from '../scan-types.js'
import { acquireLock } from '../write/lock.js'
import { readBeside } from '../scan/beside.js'
import { removeTemps } from './finish-interrupted.js'
import { requireOneName } from './io.js'
import { planRepair } from './repair-plan.js'
import { repairLog } from './repair.js'
import type { StoreCore } from './store-core.js'
import { anomaliesIn, currentScan } from './store-scan.js'
import { type Upgraded, isUnfinishedUpgrade, upgradeLog } from './upgrade.js'

/**
 * Converts the store's plain log in its place, or finishes an upgrade that was killed. `null` if the
 * log is neither. Rejects with `anomalies_found` if the plain log is damaged.
 */
export async function upgradeInPlace(
  core: StoreCore,
  scan: LogScan,
  options: Omit<UpgradeOptions, 'out'>,
): Promise<UpgradeReport | null> {
  const lock = core.requireOwner('upgrade')
  const { vfs, log, clock } = core.settings
  const now = clock.now()
  if (scan.state !== 'plain') {
    if (!(await isUnfinishedUpgrade(vfs, scan))) return null
    if (options.dryRun !== true) {
      const plan = planRepair(scan, now)
      await repairLog({
        vfs,
        lock,
        scan,
        plan,
        quarantineDir: null,
        now,
        counts: {},
        what: 'upgrade',
      })
      core.known = null
    }
    return finishedReport(scan, options.dryRun === true)
  }
  requireSound(scan)
  requireOneName(await vfs.stat(log), log)
  if (options.dryRun !== true) await removeTemps(vfs, log)
  const { report, file } = await upgradeLog({ ...options, vfs, lock, scan, target: log, now })
  if (file !== null) await core.replaceLogFile(file)
  return report
}

function finishedReport(scan: LogScan, dryRun: boolean): UpgradeReport {
  const { path, size, records, identity } = scan
  return {
    location: path,
    out: path,
    dryRun,
    changed: true,
    records: records ?? 0,
    bytes: { before: size, after: size },
    logId: identity?.logId ?? null,
    originalKeptAs: null,
  }
}

function requireSound(scan: LogScan): void {
  const found = anomaliesIn(scan)
  if (found === 0) return
  const offset = scan.anomalies[0]?.offset ?? null
  throw new PapyraError(
    'anomalies_found',
    `${scan.path} was not upgraded: ${found} anomalies were found.`,
    {
      details: { path: scan.path, offset },
    },
  )
}

/** Converts a plain log; see `BackendDefinition.upgrade`. */
export async function upgradeStore(
  core: StoreCore,
  options: UpgradeOptions,
): Promise<UpgradeReport> {
  const scan = await currentScan(core, { ...options, coverage: 'full' })
  const { vfs, log, clock } = core.settings
  const { out } = options
  const target = out === undefined ? log : await vfs.resolve(out)
  if (target === log) {
    const report = await upgradeInPlace(core, scan, options)
    return report ?? { ...finishedReport(scan, options.dryRun === true), changed: false }
  }
  if (scan.state !== 'plain') {
    throw new PapyraError('invalid_argument', `${log} is not a plain log.`, {
      details: { path: log },
    })
  }
  requireSound(scan)
  const beside = await readBeside(vfs, target)
  const taken = beside.sidecar.state !== 'missing' || beside.mark.state !== 'missing'
  if (taken || (await vfs.stat(target)) !== null) {
    throw new PapyraError('store_exists', `Something is at ${target} already.`, {
      details: { path: target },
    })
  }
  const now = clock.now()
  const job = { ...options, vfs, scan, target, now }
  if (options.dryRun === true) {
    return (await upgradeLog({ ...job, lock: core.requireOwner('upgrade') })).report
  }
  const lock = await acquireLock(vfs, target, { clock })
  let upgraded: Upgraded | null = null
  try {
    upgraded = await upgradeLog({ ...job, lock })
    return upgraded.report
  } finally {
    await upgraded?.file?.close()
    await lock.release()
  }
}
