import { basename, dirname } from 'node:path'
import {
  PapyraError,
  systemClock,
  type AckLevel,
  type Clock,
  type OpenOptions,
} from '@papyra/contracts'
import type { Vfs, VfsFile, VfsStat } from '../vfs.js'
import { acquireLock, type StoreLock } from '../write/lock.js'
import { logIsLost, readBeside } from '../scan/beside.js'
import { createLog } from './create-log.js'
import { guarded, withIo } from './io.js'
import { LogStore } from './log-store.js'
import { readHead } from './read-head.js'
import { StoreCore, type StoreSettings } from './store-core.js'

export interface LogStoreOptions extends OpenOptions {
  /** The backend's name in reports. */
  readonly backend: string
  /** Default `durable`. */
  readonly ack?: AckLevel
  /** Most bytes of one fact. Default 1 MiB. */
  readonly maxRecordBytes?: number
  /** Above so many waiting bytes appends wait. Default 8 MiB. */
  readonly maxWaitingBytes?: number
}

const MIB = 1024 * 1024

/**
 * Opens the log at `path`. For writing it takes exclusive ownership first. Nothing is written unless
 * a new store is made. Rejects with `store_not_found`, `not_a_log`, `wrong_log`, `store_locked`,
 * `lock_unavailable` or `io_error`; then nothing is held.
 */
export async function openLogStore(
  vfs: Vfs,
  path: string,
  options: LogStoreOptions,
): Promise<LogStore> {
  return guarded(path, () => openStore(vfs, path, options))
}

async function openStore(vfs: Vfs, path: string, options: LogStoreOptions): Promise<LogStore> {
  const log = await resolveLog(vfs, path)
  const { clock = systemClock, access } = options
  const settings: StoreSettings = {
    vfs,
    log,
    backend: options.backend,
    access,
    clock,
    ack: options.ack ?? 'durable',
    maxRecordBytes: options.maxRecordBytes ?? MIB,
    maxWaitingBytes: options.maxWaitingBytes ?? 8 * MIB,
    upgrade: options.upgrade ?? false,
  }
  const there = await requireStore(settings, options)
  if (access === 'read') {
    await requireLogId(settings, options.expectLogId, null)
    return new LogStore(new StoreCore(settings, null, null))
  }
  if (!there) await makeFolder(vfs, dirname(log))
  const waitMs = options.waitLockMs ?? 500
  const lock = await acquireLock(vfs, log, { waitMs, clock })
  let logFile: VfsFile | null = null
  try {
    // Whoever held the lock before may have made the store, or taken it away.
    if (!(await requireStore(settings, options))) await createLog(vfs, log, { now: clock.now() })
    logFile = await openLocked(vfs, log, lock)
    await requireLogId(settings, options.expectLogId, logFile)
    return new LogStore(new StoreCore(settings, lock, logFile))
  } catch (error) {
    await logFile?.close().catch(() => undefined)
    await lock.release()
    throw error
  }
}

export interface CreateLogOptions {
  readonly clock?: Clock
  /** Bytes of records after which a block mark is written. Default 4 MiB. */
  readonly blockBytes?: number
}

/** Makes a new, empty store and gives its id. Rejects with `store_exists` if anything is there. */
export async function createLogStore(
  vfs: Vfs,
  path: string,
  options: CreateLogOptions = {},
): Promise<{ readonly logId: string }> {
  return guarded(path, () => createStore(vfs, path, options))
}

async function createStore(
  vfs: Vfs,
  path: string,
  options: CreateLogOptions,
): Promise<{ readonly logId: string }> {
  const log = await resolveLog(vfs, path)
  const { clock = systemClock, blockBytes } = options
  await refuseExisting(vfs, log)
  await makeFolder(vfs, dirname(log))
  const lock = await acquireLock(vfs, log, { clock })
  try {
    await refuseExisting(vfs, log)
    return { logId: await createLog(vfs, log, { now: clock.now(), blockBytes }) }
  } finally {
    await lock.release()
  }
}

async function refuseExisting(vfs: Vfs, log: string): Promise<void> {
  const stat = await vfs.stat(log)
  if (stat === null && !logIsLost(await readBeside(vfs, log))) return
  const what = stat === null ? 'What stands beside it shows that a log was' : 'Something is'
  throw new PapyraError('store_exists', `${what} at ${log}.`, { details: { path: log } })
}

async function resolveLog(vfs: Vfs, path: string): Promise<string> {
  return withIo('Resolving', path, () => vfs.resolve(path))
}

async function makeFolder(vfs: Vfs, folder: string): Promise<void> {
  if ((await vfs.stat(folder))?.type === 'directory') return
  await withIo('Making', folder, () => vfs.mkdir(folder))
}

/** True if there is a store, also one whose log is gone; false if a new one is to be made. */
async function requireStore(settings: StoreSettings, options: OpenOptions): Promise<boolean> {
  const { vfs, log } = settings
  const stat = await withIo('Looking at', log, () => vfs.stat(log))
  if (stat !== null) {
    requireFile(stat, log)
    return true
  }
  const folder = dirname(log)
  if ((await vfs.stat(folder)) !== null && logIsLost(await readBeside(vfs, log))) return true
  const { create, access, expectLogId } = options
  // A new one would not be the one that is expected.
  if (create === 'if-missing' && access === 'write' && expectLogId === undefined) return false
  throw notFound(log, (await vfs.stat(folder)) === null)
}

function notFound(log: string, noFolder: boolean): PapyraError {
  const what = noFolder
    ? `There is no store at ${log}: the folder ${dirname(log)} does not exist.`
    : `There is no store at ${log}.`
  return new PapyraError('store_not_found', what, { details: { path: log } })
}

function requireFile(stat: VfsStat, log: string): void {
  if (stat.type === 'file') return
  const what = stat.type === 'directory' ? 'a folder' : 'no regular file'
  throw new PapyraError('not_a_log', `${log} is ${what}.`, { details: { path: log } })
}

/** Opens the log and locks it too; `null` if it is gone while what stands beside it is not. */
async function openLocked(vfs: Vfs, log: string, lock: StoreLock): Promise<VfsFile | null> {
  if ((await vfs.stat(log)) === null) return null
  const file = await withIo('Opening', log, () => vfs.open(log, 'read-write'))
  try {
    requireFile(await file.stat(), log)
    await lock.lockLog(file)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

async function requireLogId(
  settings: StoreSettings,
  expected: string | undefined,
  open: VfsFile | null,
): Promise<void> {
  if (expected === undefined) return
  const { vfs, log } = settings
  const found = await logIdOf(vfs, log, open)
  if (found === expected) return
  throw new PapyraError(
    'wrong_log',
    `${basename(log)} is ${found === null ? 'no log with an id' : `the log ${found}`}, not ${expected}.`,
    { details: { path: log, expected, found } },
  )
}

/** Which log this is: as its head says, or else what stands beside it. */
async function logIdOf(vfs: Vfs, log: string, open: VfsFile | null): Promise<string | null> {
  const file = open ?? (await vfs.open(log, 'read').catch(() => null))
  try {
    const found = file === null ? null : await readHead(file)
    if (found !== null) return found.head.logId
  } finally {
    if (open === null) await file?.close()
  }
  const { sidecar, mark } = await readBeside(vfs, log)
  if (sidecar.state === 'ok') return sidecar.sidecar.logId
  return mark.state === 'ok' ? mark.mark.logId : null
}
