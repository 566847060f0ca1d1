import { PapyraError, systemClock, type Clock, type OpenOptions } from '@papyra/contracts'
import { guarded, withIo } from '../rewrite/io.js'
import type { Vfs, VfsFile } from '../vfs.js'
import { acquireLock, type StoreLock } from '../write/lock.js'
import { createSegments, hasStore } from './create.js'
import { listFolder } from './folder.js'
import { logIdIn } from './log-id.js'
import { lockBase, manifestPath } from './names.js'
import { SEAL_LIMITS, type SealLimits } from './seal-limits.js'
import { SegmentCore, type SegmentSettings } from './segment-core.js'
import { SegmentStore } from './segment-store.js'

export interface SegmentStoreOptions extends OpenOptions {
  /** The backend's name in reports. */
  readonly backend: string
  /** Default `durable`. */
  readonly ack?: 'flushed' | 'durable'
  /** Most bytes of one fact. Default 1 MiB. */
  readonly maxRecordBytes?: number
  /** Above so many waiting bytes appends wait. Default 8 MiB. */
  readonly maxWaitingBytes?: number
  /** When a segment is sealed. Default: at 64 MiB. */
  readonly seal?: Partial<SealLimits>
}

export interface CreateSegmentsOptions {
  readonly clock?: Clock
  /** Bytes of records after which a block mark is written. Default 4 MiB. */
  readonly blockBytes?: number
}

const MIB = 1024 * 1024

/**
 * Opens the store of segments in the folder `dir`. For writing it takes exclusive ownership first.
 * Nothing is written unless a new store is made. Rejects with `store_not_found`, `not_a_log`,
 * `wrong_log`, `store_locked`, `lock_unavailable` or `io_error`; then nothing is held.
 */
export async function openSegmentStore(
  vfs: Vfs,
  dir: string,
  options: SegmentStoreOptions,
): Promise<SegmentStore> {
  return new SegmentStore(await openSegmentCore(vfs, dir, options))
}

/** The same, for whoever needs the state that the parts of a store share. */
export async function openSegmentCore(
  vfs: Vfs,
  dir: string,
  options: SegmentStoreOptions,
): Promise<SegmentCore> {
  return guarded(dir, () => openCore(vfs, dir, options))
}

async function openCore(
  vfs: Vfs,
  path: string,
  options: SegmentStoreOptions,
): Promise<SegmentCore> {
  const dir = await resolveDir(vfs, path)
  const { clock = systemClock, access } = options
  const settings: SegmentSettings = {
    vfs,
    dir,
    backend: options.backend,
    access,
    clock,
    ack: options.ack ?? 'durable',
    maxRecordBytes: options.maxRecordBytes ?? MIB,
    maxWaitingBytes: options.maxWaitingBytes ?? 8 * MIB,
    seal: { ...SEAL_LIMITS, ...options.seal },
  }
  await requireStore(vfs, dir, options)
  if (access === 'read') {
    await requireLogId(vfs, dir, options.expectLogId)
    return new SegmentCore(settings, null)
  }
  if ((await vfs.stat(dir)) === null) await withIo('Making', dir, () => vfs.mkdir(dir))
  const lock = await lockStore(vfs, dir, { clock, waitMs: options.waitLockMs ?? 500 })
  let folder: VfsFile | null = null
  try {
    folder = await lockFolder(vfs, dir, lock)
    // Whoever held the lock before may have made the store, or taken it away.
    if (!(await requireStore(vfs, dir, options))) {
      await createSegments(vfs, dir, { now: clock.now() })
    }
    await requireLogId(vfs, dir, options.expectLogId)
    const core = new SegmentCore(settings, lock)
    core.folder = folder
    return core
  } catch (error) {
    await folder?.close().catch(() => undefined)
    await lock.release()
    throw error
  }
}

/**
 * Makes a new, empty store in the folder `dir`, which may exist and hold other files, and gives its
 * id. Rejects with `store_exists` if there is a store, also a damaged one, and with `not_a_log` if
 * `dir` is no folder.
 */
export async function createSegmentStore(
  vfs: Vfs,
  dir: string,
  options: CreateSegmentsOptions = {},
): Promise<{ readonly logId: string }> {
  return guarded(dir, () => createStore(vfs, dir, options))
}

async function createStore(
  vfs: Vfs,
  path: string,
  options: CreateSegmentsOptions,
): Promise<{ readonly logId: string }> {
  const dir = await resolveDir(vfs, path)
  const { clock = systemClock, blockBytes } = options
  const anew = { access: 'write', create: 'if-missing' } as const
  const refuseExisting = async (): Promise<void> => {
    if (!(await requireStore(vfs, dir, anew))) return
    throw new PapyraError('store_exists', `There is a store in ${dir}.`, { details: { path: dir } })
  }
  await refuseExisting()
  if ((await vfs.stat(dir)) === null) await withIo('Making', dir, () => vfs.mkdir(dir))
  const lock = await lockStore(vfs, dir, { clock, waitMs: 500 })
  try {
    await refuseExisting()
    return { logId: await createSegments(vfs, dir, { now: clock.now(), blockBytes }) }
  } finally {
    await lock.release()
  }
}

function resolveDir(vfs: Vfs, path: string): Promise<string> {
  return withIo('Resolving', path, () => vfs.resolve(path))
}

function lockStore(
  vfs: Vfs,
  dir: string,
  options: { readonly clock: Clock; readonly waitMs: number },
): Promise<StoreLock> {
  return acquireLock(vfs, lockBase(dir), { ...options, name: dir, looksOf: manifestPath(dir) })
}

/** Opens the folder and locks it too: ownership holds even if somebody deletes the lock file. */
async function lockFolder(vfs: Vfs, dir: string, lock: StoreLock): Promise<VfsFile> {
  const folder = await withIo('Opening', dir, () => vfs.open(dir, 'read'))
  try {
    await lock.lockLog(folder)
    return folder
  } catch (error) {
    await folder.close().catch(() => undefined)
    throw error
  }
}

/** True if there is a store, also a damaged one; false if a new one is to be made. */
async function requireStore(
  vfs: Vfs,
  dir: string,
  { access, create, expectLogId }: Pick<OpenOptions, 'access' | 'create' | 'expectLogId'>,
): Promise<boolean> {
  const stat = await withIo('Looking at', dir, () => vfs.stat(dir))
  if (stat !== null && stat.type !== 'directory') {
    const what = stat.type === 'file' ? 'a file' : 'no folder'
    throw new PapyraError('not_a_log', `${dir} is ${what}; a store of segments is a folder.`, {
      details: { path: dir },
    })
  }
  if (stat !== null && (await hasStore(vfs, await listFolder(vfs, dir)))) return true
  // A new one would not be the one that is expected.
  if (create === 'if-missing' && access === 'write' && expectLogId === undefined) return false
  const why = stat === null ? ': there is no such folder' : ''
  throw new PapyraError('store_not_found', `There is no store in ${dir}${why}.`, {
    details: { path: dir },
  })
}

async function requireLogId(vfs: Vfs, dir: string, expected: string | undefined): Promise<void> {
  if (expected === undefined) return
  const found = await logIdIn(vfs, dir)
  if (found === expected) return
  throw new PapyraError(
    'wrong_log',
    `${dir} is ${found === null ? 'no store with an id' : `the store ${found}`}, not ${expected}.`,
    { details: { path: dir, expected, found } },
  )
}
