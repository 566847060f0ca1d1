import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, type OwnerInfo, PapyraError } from '@papyra/contracts'
import { lockPath } from '../format/names.js'
import type { Vfs, VfsFile } from '../vfs.js'
import { takeLooks } from './atomic-write.js'
import { errnoOf, ioError } from './io-error.js'
import {
  NOBODY_KNOWN,
  type OwnerFacts,
  ownerText,
  readOwner,
  writeOwnerFacts,
} from './owner-line.js'

const POLL_MS = 50

export interface LockOptions {
  /** How long to try while somebody else holds the store, in ms. Default 500; 0 tries once. */
  readonly waitMs?: number
  readonly clock: Clock
  /** What errors name as held. Default: the log. */
  readonly name?: string
  /** Whose mode and owner a new lock file gets. Default: the log's. */
  readonly looksOf?: string
}

/** Exclusive ownership of a store. It ends with `release`, or with the process. */
export interface StoreLock {
  /**
   * Locks the log's own inode too, so that ownership holds even if somebody deletes the lock file; a
   * rewrite locks its new file before the rename. That lock ends when `file` is closed.
   * Rejects with `store_locked`, or with `store_replaced` if the path no longer names this file.
   */
  lockLog(file: VfsFile): Promise<void>
  /** Adds to what the lock file says of the owner, such as where its control socket is. */
  announce(facts: OwnerFacts): Promise<void>
  /** Gives the store free. Idempotent. Logs that were locked have to be closed by their users. */
  release(): Promise<void>
}

/** The locks that this process holds or is taking: per file system, by the log's resolved path. */
const held = new WeakMap<Vfs, Map<string, OwnerInfo>>()

function heldOn(vfs: Vfs): Map<string, OwnerInfo> {
  const there = held.get(vfs)
  if (there !== undefined) return there
  const made = new Map<string, OwnerInfo>()
  held.set(vfs, made)
  return made
}

/** True if this process holds the store at `log`, a resolved path, or is about to. */
export function heldHere(vfs: Vfs, log: string): boolean {
  return held.get(vfs)?.has(log) ?? false
}

function locked(log: string, owner: OwnerInfo): PapyraError {
  const { pid, host, since } = owner
  return new PapyraError('store_locked', `${log} is held by ${ownerText(owner)}.`, {
    details: { path: log, pid, host, since },
  })
}

/** Calls `attempt` until it gives something other than an owner who is in the way. */
async function untilFree<T extends object>(
  log: string,
  { waitMs = 500, clock, name = log }: LockOptions,
  attempt: () => Promise<T | { busy: OwnerInfo }>,
): Promise<T> {
  const deadline = clock.monotonic() + waitMs
  // Counted as well, for a clock that stands still.
  for (let left = Math.ceil(waitMs / POLL_MS); ; left--) {
    const result = await attempt()
    if (!('busy' in result)) return result
    if (left <= 0 || clock.monotonic() >= deadline) throw locked(name, result.busy)
    await sleep(POLL_MS)
  }
}

async function openLockFile(vfs: Vfs, log: string, looksOf: string): Promise<VfsFile> {
  const path = lockPath(log)
  // A few rounds: between two calls somebody may create or remove it.
  for (let round = 0; ; round++) {
    try {
      return await vfs.open(path, 'read-write')
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || round > 100) throw ioError(error, 'Opening', path)
    }
    try {
      return await makeLockFile(vfs, looksOf, path)
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw ioError(error, 'Creating', path)
    }
  }
}

/** Root may open a service's store: the service must still be able to open the lock file later. */
async function makeLockFile(vfs: Vfs, looksOf: string, path: string): Promise<VfsFile> {
  const file = await vfs.open(path, 'create', 0o600)
  try {
    const looks = await vfs.stat(looksOf)
    if (looks !== null) await takeLooks(file, { ...looks, mode: (looks.mode & 0o666) | 0o600 })
    return file
  } catch (error) {
    await vfs.unlink(path).catch(() => undefined)
    await file.close()
    throw error
  }
}

async function isAt(vfs: Vfs, file: VfsFile): Promise<boolean> {
  const [there, own] = [await vfs.stat(file.path), await file.stat()]
  return there !== null && there.inode === own.inode
}

async function tryLockFile(
  vfs: Vfs,
  log: string,
  looksOf: string,
): Promise<{ file: VfsFile } | { busy: OwnerInfo }> {
  for (;;) {
    const file = await openLockFile(vfs, log, looksOf)
    let keep = false
    try {
      if ((await file.stat()).type !== 'file') {
        throw new PapyraError('io_error', `${file.path} is not a regular file.`)
      }
      if ((await vfs.lock(file)) === null) return { busy: await readOwner(file) }
      // Somebody may have removed the file before we had its lock: then the lock is worth nothing.
      keep = await isAt(vfs, file)
      if (keep) return { file }
    } catch (error) {
      keep = false
      throw ioError(error, 'Locking', file.path)
    } finally {
      if (!keep) await file.close()
    }
  }
}

class HeldLock implements StoreLock {
  readonly #vfs: Vfs
  readonly #log: string
  readonly #file: VfsFile
  readonly #options: LockOptions
  #facts: OwnerFacts
  #released: boolean = false

  constructor(vfs: Vfs, file: VfsFile, options: LockOptions & { log: string }, facts: OwnerFacts) {
    this.#vfs = vfs
    this.#file = file
    this.#log = options.log
    this.#options = options
    this.#facts = facts
  }

  async lockLog(file: VfsFile): Promise<void> {
    await untilFree(this.#log, this.#options, async () => {
      const lock = await this.#vfs.lock(file)
      return lock ?? { busy: NOBODY_KNOWN }
    })
    if (await isAt(this.#vfs, file)) return
    throw new PapyraError(
      'store_replaced',
      `${file.path} was replaced while it was being opened.`,
      {
        details: { path: file.path },
      },
    )
  }

  async announce(facts: OwnerFacts): Promise<void> {
    this.#facts = { ...this.#facts, ...facts }
    // The name is a courtesy; a full disk must not keep the owner from compacting.
    await writeOwnerFacts(this.#file, this.#facts).catch(() => undefined)
  }

  async release(): Promise<void> {
    if (this.#released) return
    this.#released = true
    // The lock ends with the descriptor, which is gone whatever these say; the content is a courtesy.
    await this.#file.truncate(0).catch(() => undefined)
    await this.#file.close().catch(() => undefined)
    heldOn(this.#vfs).delete(this.#log)
  }
}

/**
 * Takes exclusive ownership of the store at `logPath`, whose folder must exist. Rejects with
 * `store_locked` (`details`: `path`, `pid`, `host`, `since` of the owner, as far as known),
 * `lock_unavailable` or `io_error`. The lock file is made with the log's mode and owner, and stays.
 */
export async function acquireLock(
  vfs: Vfs,
  logPath: string,
  options: LockOptions,
): Promise<StoreLock> {
  const log = await vfs.resolve(logPath)
  const mine = heldOn(vfs)
  const { pid, hostname: host, bootId } = vfs.host
  const since = options.clock.now()
  const { file } = await untilFree(log, options, async () => {
    const other = mine.get(log)
    if (other !== undefined) return { busy: other }
    mine.set(log, { pid, host, since })
    let result: { file: VfsFile } | { busy: OwnerInfo } | null = null
    try {
      result = await tryLockFile(vfs, log, options.looksOf ?? log)
      return result
    } finally {
      if (result === null || 'busy' in result) mine.delete(log)
    }
  })
  const facts = { pid, host, since, boot_id: bootId }
  const lock = new HeldLock(vfs, file, { ...options, log }, facts)
  await lock.announce({})
  return lock
}
