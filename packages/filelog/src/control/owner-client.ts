import { setTimeout as sleep } from 'node:timers/promises'
import {
  isPapyraError,
  PapyraError,
  type CompactionReport,
  type CompactOptions,
  type LongOperation,
  type MetricsSnapshot,
  type OwnerClient,
  type OwnerInfo,
  type ScanOptions,
  type ScanReport,
} from '@papyra/contracts'
import type { Vfs } from '../vfs.js'
import { heldHere } from '../write/lock.js'
import { ownerInfo, ownerText, type OwnerFacts } from '../write/owner-line.js'
import { probeOwnerFacts } from '../write/probe-owner.js'
import { call, greet, requireVersion, type Address } from './call.js'
import { SOCKET_FACT, SOCKET_PROBLEM_FACT, socketPath, TOKEN_FACT } from './names.js'
import type { Hello, Operation } from './protocol.js'
import { compactOptionsToSend, scanOptionsToSend } from './request-options.js'

export interface OwnerClientOptions {
  /** The store as errors name it. Default the path of the log. */
  readonly location?: string
  /** What is locked beside the lock file: the folder of a store of segments. Default the log. */
  readonly locked?: string
  /** How long an owner has to answer, in ms. Default 2000. */
  readonly helloMs?: number
  /** After how many ms without a word a connection counts as lost. Default 30 000. */
  readonly silenceMs?: number
}

const POLL_MS = 100
/** The owner may be about to listen, or to end. Others will not go away by waiting. */
const PASSING: readonly string[] = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'no_hello']

/**
 * Speaks to the process that holds the store whose lock is named after `log`; `null` if nobody does,
 * or this very process. Rejects with `store_locked` if the owner does not answer within `helloMs`,
 * and with `unsupported` if it speaks another version.
 */
export async function ownerClient(
  vfs: Vfs,
  log: string,
  options: OwnerClientOptions = {},
): Promise<OwnerClient | null> {
  const { location = log, locked, helloMs = 2000, silenceMs = 30_000 } = options
  const deadline = performance.now() + helloMs
  for (;;) {
    const facts = await ownerFacts(vfs, log, locked)
    if (facts === null || (await isSelf(vfs, log, facts))) return null
    const left = deadline - performance.now()
    const path = await whereItListens(vfs, log, facts)
    const { sockets } = vfs
    let why: string = typeof facts[SOCKET_PROBLEM_FACT] === 'string' ? 'no_socket' : 'not_yet'
    if (path !== null && sockets !== undefined) {
      const address = { sockets, path, location, helloMs, silenceMs }
      const found = await answering({ ...address, helloMs: Math.max(1, left) }, facts)
      if (found === 'answers') return new SocketClient(address, facts)
      why = found.unanswered
    }
    const passing = why === 'not_yet' || PASSING.includes(why)
    if (!passing || left <= POLL_MS) throw doesNotAnswer(vfs, { location, facts, why, helloMs })
    await sleep(POLL_MS)
  }
}

/** As `probeOwnerFacts`; where the system has no locks nobody can hold the store. */
async function ownerFacts(
  vfs: Vfs,
  log: string,
  locked: string | undefined,
): Promise<OwnerFacts | null> {
  try {
    return await probeOwnerFacts(vfs, log, locked)
  } catch (error) {
    if (isPapyraError(error, 'lock_unavailable')) return null
    throw error
  }
}

async function isSelf(vfs: Vfs, log: string, { pid, host, boot_id }: OwnerFacts): Promise<boolean> {
  const { host: own } = vfs
  // Who took the lock file away took the owner's name with it.
  const named = pid === own.pid && host === own.hostname && boot_id === own.bootId
  return (named || pid === undefined) && heldHere(vfs, await vfs.resolve(log))
}

async function whereItListens(vfs: Vfs, log: string, facts: OwnerFacts): Promise<string | null> {
  const socket = facts[SOCKET_FACT]
  if (typeof socket === 'string') return socket
  return facts['pid'] === undefined ? socketPath(await vfs.resolve(log)) : null
}

/** Sees whether the owner is there and is the one that the lock file names. */
async function answering(
  address: Address,
  facts: OwnerFacts,
): Promise<'answers' | { readonly unanswered: string }> {
  const greeted = await greet(address)
  if ('unanswered' in greeted) return greeted
  greeted.replies.close()
  const { hello } = greeted
  if (!isOwner(hello, facts)) return { unanswered: 'no_hello' }
  requireVersion(hello, address.location)
  return 'answers'
}

/** True if who answers is the owner that the lock file names; without that file anybody may be. */
function isOwner({ token }: Hello, facts: OwnerFacts): boolean {
  return facts['pid'] === undefined || facts[TOKEN_FACT] === token
}

interface Silence {
  readonly location: string
  readonly facts: OwnerFacts
  readonly why: string
  readonly helloMs: number
}

function doesNotAnswer(vfs: Vfs, { location, facts, why, helloMs }: Silence): PapyraError {
  const owner = ownerInfo(facts)
  const elsewhere = owner.host !== null && owner.host !== vfs.host.hostname
  const far = elsewhere || (facts['boot_id'] ?? vfs.host.bootId) !== vfs.host.bootId
  const reasons: Readonly<Record<string, string>> = {
    timeout: `does not answer within ${helloMs} ms`,
    not_yet:
      'does not answer: it has no control socket (it may be starting, or repairing the store)',
    no_socket: `does not answer: it could not open its control socket (${String(facts[SOCKET_PROBLEM_FACT])})`,
    no_hello: 'does not answer: something else listens where its control socket was',
    EACCES: 'does not answer us: its control socket is for the user that it runs as',
    EPERM: 'does not answer us: its control socket is for the user that it runs as',
  }
  const reason = reasons[why] ?? `does not answer: its control socket cannot be reached (${why})`
  const where = far ? ' It runs on another host or in another container.' : ''
  return new PapyraError(
    'store_locked',
    `${location} is held by ${ownerText(owner)}, which ${reason}.${where}`,
    {
      details: { path: location, ...owner, reason: why },
      ...(far ? { hint: 'Run the command there, as the user of that process.' } : {}),
    },
  )
}

/** Makes a connection for each request: there is nothing to close, and nothing that goes stale. */
class SocketClient implements OwnerClient {
  readonly #address: Address
  readonly #facts: OwnerFacts

  constructor(address: Address, facts: OwnerFacts) {
    this.#address = address
    this.#facts = facts
  }

  async who(): Promise<OwnerInfo> {
    return (await this.#call('who')) as OwnerInfo
  }

  async metrics(): Promise<MetricsSnapshot> {
    return (await this.#call('metrics')) as MetricsSnapshot
  }

  async flush(): Promise<void> {
    await this.#call('flush')
  }

  async compact(options: CompactOptions): Promise<CompactionReport> {
    const asked = compactOptionsToSend(options)
    return (await this.#call('compact', { ...long(options), options: asked })) as CompactionReport
  }

  async scan(options: ScanOptions = {}): Promise<ScanReport> {
    const asked = scanOptionsToSend(options)
    return (await this.#call('scan', { ...long(options), options: asked })) as ScanReport
  }

  async #call(
    op: Operation,
    how: LongOperation & { readonly options?: object } = {},
  ): Promise<unknown> {
    const { location } = this.#address
    const greeted = await greet(this.#address)
    if (!('unanswered' in greeted)) {
      if (isOwner(greeted.hello, this.#facts)) return call(this.#address, greeted, op, how)
      greeted.replies.close()
    }
    const owner = ownerInfo(this.#facts)
    throw new PapyraError(
      'store_locked',
      `${location} was held by ${ownerText(owner)}, which answers no more.`,
      {
        details: { path: location, ...owner },
        hint: 'Try again: another process may hold it now.',
      },
    )
  }
}

function long({ signal, onProgress }: LongOperation): LongOperation {
  return { ...(signal && { signal }), ...(onProgress && { onProgress }) }
}
