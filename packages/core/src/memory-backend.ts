import {
  PapyraError,
  systemClock,
  type Backend,
  type BackendDefinition,
  type OpenOptions,
  type OwnerInfo,
  type RetentionPolicy,
} from '@papyra/contracts'
import { validatePolicy } from '@papyra/retention'
import { memoryCapabilities } from './memory-capabilities.js'
import { MemoryHandle } from './memory-handle.js'
import { MemoryStore } from './memory-store.js'

export interface MemoryBackendOptions {
  /** A larger record, its line end included, is refused. Default 1 MiB. */
  readonly maxRecordBytes?: number
  /** The policy until an owner records one. Default none. */
  readonly retention?: RetentionPolicy
  /** The id of the log that will be made. Default a random UUID. */
  readonly logId?: string
  /** Tells stores apart in reports: the location is `memory:<name>`. Default `default`. */
  readonly name?: string
}

const WAIT_LOCK_MS = 500
const MAX_RECORD_BYTES = 1_048_576

/** Who owns the store, and who waits for it. */
interface Ownership {
  owner: OwnerInfo | null
  readonly waiting: Set<() => void>
}

/**
 * A store in this process's memory: for tests and development, and the reference for what a backend
 * does. Its records live as long as the definition that this returns: opened again after `close` it
 * still has them; a second definition is another store.
 *
 * It has one owner at a time (`store_locked` for a second, until the first closes), a missing store
 * is `store_not_found` unless `create` allows to make it, and records are counted in bytes as the
 * line they would be in a file. It stays bounded by applying the recorded policy by itself: it holds
 * at most what the policy keeps, and as much again or 64 records or 1 MiB, whichever is more. What
 * it deletes so is what retention hides anyway, and is counted in `recordsDropped`.
 */
export function memoryBackend(options: MemoryBackendOptions = {}): BackendDefinition {
  const { maxRecordBytes = MAX_RECORD_BYTES, name = 'default' } = options
  if (!Number.isSafeInteger(maxRecordBytes) || maxRecordBytes < 1) {
    throw new PapyraError('invalid_argument', '`maxRecordBytes` must be a positive whole number.')
  }
  const retention = options.retention === undefined ? null : validatePolicy(options.retention)
  const location = `memory:${name}`
  const ownership: Ownership = { owner: null, waiting: new Set() }
  let store: MemoryStore | null = null

  const make = (now: number): MemoryStore => {
    store = new MemoryStore(options.logId ?? crypto.randomUUID(), now, retention)
    return store
  }
  return {
    name: 'memory',
    location,
    capabilities: memoryCapabilities,
    async open(open: OpenOptions): Promise<Backend> {
      const clock = open.clock ?? systemClock
      const release =
        open.access === 'write' ? await own(ownership, location, open) : () => undefined
      try {
        const existing = store ?? (mayCreate(open) ? make(clock.now()) : null)
        if (existing === null) throw notFound(location)
        checkLogId(existing.logId, open.expectLogId)
        const { access } = open
        const owner = (): OwnerInfo | null => ownership.owner
        return new MemoryHandle(existing, {
          access,
          clock,
          location,
          maxRecordBytes,
          owner,
          release,
        })
      } catch (thrown) {
        release()
        throw thrown
      }
    },
    async create() {
      if (store !== null) {
        throw new PapyraError('store_exists', `There is a store at ${location} already.`)
      }
      return { logId: make(systemClock.now()).logId }
    },
  }
}

function mayCreate(open: OpenOptions): boolean {
  return open.access === 'write' && open.create === 'if-missing'
}

function notFound(location: string): PapyraError {
  return new PapyraError('store_not_found', `There is no store at ${location}.`, {
    hint: 'A memory store begins empty in each process: open it with `create: "if-missing"`.',
    details: { location },
  })
}

function checkLogId(logId: string, expected: string | undefined): void {
  if (expected === undefined || expected === logId) return
  throw new PapyraError('wrong_log', `The log is ${logId}, but ${expected} is expected.`, {
    details: { logId, expectLogId: expected },
  })
}

/** Takes ownership, waiting for a living owner to go; gives back how to let go. */
async function own(
  ownership: Ownership,
  location: string,
  { waitLockMs = WAIT_LOCK_MS, clock = systemClock }: OpenOptions,
): Promise<() => void> {
  const deadline = clock.monotonic() + waitLockMs
  while (ownership.owner !== null) {
    const { since } = ownership.owner
    const freed =
      waitLockMs > 0 && clock.monotonic() < deadline && (await changed(ownership, waitLockMs))
    if (!freed && ownership.owner !== null) {
      throw new PapyraError(
        'store_locked',
        `The store at ${location} is open for writing already.`,
        {
          hint: 'Close the other handle first.',
          details: { location, since },
        },
      )
    }
  }
  const owner: OwnerInfo = { pid: null, host: null, since: clock.now() }
  ownership.owner = owner
  return () => {
    if (ownership.owner !== owner) return
    ownership.owner = null
    for (const wake of [...ownership.waiting]) wake()
  }
}

/** True when the owner let go, false after `ms`. */
function changed(ownership: Ownership, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (freed: boolean) => (): void => {
      clearTimeout(timer)
      ownership.waiting.delete(wake)
      resolve(freed)
    }
    const wake = settle(true)
    const timer = setTimeout(settle(false), ms)
    ownership.waiting.add(wake)
  })
}
