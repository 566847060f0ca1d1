import { isAbsolute } from 'node:path'
import type { Anomaly } from '@papyra/contracts'
import { sidecarPath } from '../format/names.js'
import type { LogScan } from '../scan-types.js'
import type { Vfs } from '../vfs.js'
import { logIsLost, readBeside } from './beside.js'
import { allProven, scanChecksummed } from './checksummed-scan.js'
import { counted, emptyScan, type ScanBase } from './empty-scan.js'
import { FileWindow } from './file-window.js'
import { Findings } from './findings.js'
import { identityOf, identityWithoutHead, knownEndOf, sideBySide, type Known } from './identify.js'
import { noticesBeside } from './notices.js'
import { notFound, openLog, resolveLog, type Given, type OpenedLog } from './open-log.js'
import { paced } from './pacer.js'
import { scanPlain } from './plain-scan.js'
import { quickScan } from './quick-scan.js'
import { onlyHeadIsForeign, recognise } from './recognise.js'
import type { LogScanOptions } from './scan-options.js'

/**
 * Scans one log: verifies it, names what is wrong and where, and finds out what a repair would keep,
 * take out and lose. Changes nothing and takes no lock. Rejects with `store_not_found` if there is
 * neither a log nor anything beside it that says there was one, `not_a_log` for a folder, pipe or
 * device, `unreadable` if the system refuses, `aborted`.
 */
export async function scanLog(
  vfs: Vfs,
  path: string,
  options: LogScanOptions = {},
): Promise<LogScan> {
  const resolved = await resolveLog(vfs, path)
  const opened = await openLog(vfs, isAbsolute(resolved) ? resolved : path)
  if (opened === null) return scanMissing(vfs, resolved, options)
  return scanAndClose(vfs, opened, options)
}

/**
 * Scans one segment of a store. `given` says what its store's manifest knows of it, in place of what
 * stands beside a log, and the scan tells only of the file and its mark. `null` if there is no file.
 * Otherwise rejects as `scanLog` does.
 */
export async function scanSegment(
  vfs: Vfs,
  path: string,
  given: Given,
  options: LogScanOptions,
): Promise<LogScan | null> {
  const opened = await openLog(vfs, path, given)
  return opened === null ? null : scanAndClose(vfs, opened, options)
}

async function scanAndClose(
  vfs: Vfs,
  opened: OpenedLog,
  options: LogScanOptions,
): Promise<LogScan> {
  const { pacer } = options
  const file = pacer === undefined ? opened.file : paced(opened.file, pacer, options.signal)
  try {
    return await scanOpened(vfs, { ...opened, file }, options)
  } finally {
    await opened.file.close()
  }
}

async function scanOpened(vfs: Vfs, opened: OpenedLog, options: LogScanOptions): Promise<LogScan> {
  const { path, beginning, sidecar, mark, stat, file } = opened
  const base = { path, sidecar, mark, size: stat.size }
  if (beginning.state === 'newer' || sidecar.state === 'newer') {
    const inLog = beginning.state === 'newer'
    const format =
      beginning.state === 'newer'
        ? beginning.format
        : sidecar.state === 'newer'
          ? sidecar.format
          : 0
    return refused(base, 'newer', {
      code: 'newer_format',
      path: inLog ? path : sidecarPath(path),
      detail: `It is of format ${format}, which this version does not know.`,
    })
  }
  if (beginning.state === 'ok' && isOtherSegments(opened)) {
    return scanKnown(vfs, { ...opened, beginning: { state: 'none' } }, options)
  }
  if (beginning.state === 'ok') {
    const headOnly = await onlyHeadIsForeign(opened)
    if (!headOnly) return scanKnown(vfs, opened, options)
    return scanKnown(vfs, { ...opened, beginning: { state: 'none' } }, options, {
      foreignHead: beginning.head.logId,
    })
  }
  const besideMissing = sidecar.state === 'missing' && mark.state === 'missing'
  if (stat.size === 0 && besideMissing) return scanPlain(opened, options)
  if (identityWithoutHead(opened, null) === null) {
    const window = new FileWindow(file, stat.size, 1024 * 1024)
    const recognised = await recognise(window, besideMissing)
    if (recognised.what === 'nothing') {
      return refused(base, 'unrecognised', { code: 'unreadable', path, detail: recognised.detail })
    }
    if (recognised.what === 'plain') return scanPlain(opened, options)
    const identity = identityWithoutHead(opened, recognised)
    return scanKnown(vfs, opened, options, { identity })
  }
  return scanKnown(vfs, opened, options)
}

/** True if the head is that of another segment of the store, which tells nothing about this one. */
function isOtherSegments({ beginning, given }: OpenedLog): boolean {
  if (beginning.state !== 'ok' || given === undefined) return false
  const { logId, firstSeq } = beginning.head
  return logId === given.sidecar.logId && firstSeq !== given.firstSeq
}

async function scanKnown(
  vfs: Vfs,
  opened: OpenedLog,
  options: LogScanOptions,
  more: { identity?: Known['identity'] | null; foreignHead?: string } = {},
): Promise<LogScan> {
  const { path, beginning } = opened
  const head = beginning.state === 'ok' ? beginning.head : null
  const identity =
    head === null ? (more.identity ?? identityWithoutHead(opened, null)) : identityOf(head)
  if (identity === null) throw new TypeError('a log without an identity')
  const findings = new Findings(path)
  const beside = sideBySide(path, identity, head, opened, { findings, bootId: vfs.host.bootId })
  const { foreignHead } = more
  const known = foreignHead === undefined ? beside : { ...beside, foreign: true, foreignHead }
  const alive = options.ownerAlive === true
  const notices = opened.given === undefined ? await noticesBeside(vfs, path, known, alive) : []
  if (options.coverage === 'auto') {
    const quick = await quickScan(opened, known, notices, options)
    if (quick !== null) return quick
  }
  const scan = await scanChecksummed(vfs, opened, { known, findings, notices, options })
  if (scan.state !== 'stale_head') return scan
  const renewed = identityWithoutHead(opened, null)
  const fitting = renewed?.generation === scan.generation ? renewed : null
  const bare: Known['identity'] = { ...identity, generation: scan.generation, source: 'lines' }
  const without: OpenedLog = { ...opened, beginning: { state: 'none' } }
  return scanKnown(vfs, without, options, { identity: fitting ?? bare })
}

/** There is no log. If what stands beside it says that there was one, all of it is gone. */
async function scanMissing(vfs: Vfs, path: string, options: LogScanOptions): Promise<LogScan> {
  const beside = await readBeside(vfs, path)
  if (!logIsLost(beside)) throw notFound(path)
  const { sidecar, mark } = beside
  const identity = identityWithoutHead(beside, null)
  if (identity === null) {
    const detail = 'The log is gone, and what stands beside it cannot be read either.'
    return refused({ path, ...beside, size: 0 }, 'unrecognised', {
      code: 'unreadable',
      path,
      detail,
    })
  }
  const findings = new Findings(path)
  const known = sideBySide(path, identity, null, beside, { findings, bootId: vfs.host.bootId })
  const knownEnd = knownEndOf(known)
  const region = known.region
  const below = region?.records ?? region?.through ?? 0
  const records = below + knownEnd - Math.min(knownEnd, region?.through ?? 0)
  const seq = knownEnd === 0 ? null : { first: 1, last: knownEnd }
  const upTo = knownEnd === 0 ? 'names no record' : `says that it went up to ${knownEnd}`
  const detail = `The log is gone; what stands beside it ${upTo}.`
  findings.log('rolled_back', { offset: 0 }, { seq, records, loss: records > 0, detail })
  if (records > 0) findings.losses.push({ seq, records, code: 'rolled_back' })
  const notices = await noticesBeside(vfs, path, known, options.ownerAlive === true)
  return {
    ...emptyScan({ path, sidecar, mark, size: 0 }, 'checksummed'),
    ...counted(findings.all(), options),
    identity,
    notices,
    knownEnd,
    records: 0,
    losses: findings.losses,
    bytesSound: false,
    foreign: known.foreign,
    unproven: allProven(vfs, beside, known) ? null : { after: knownEnd },
  }
}

function refused(
  base: ScanBase,
  state: LogScan['state'],
  what: Pick<Anomaly, 'code' | 'path' | 'detail'>,
): LogScan {
  const anomaly: Anomaly = { ...what, offset: 0, length: null, seq: null, records: 0, loss: false }
  return { ...emptyScan(base, state), ...counted([anomaly], {}), bytesSound: false }
}
