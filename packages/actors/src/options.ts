import { PapyraError, systemClock, type Clock } from '@papyra/contracts'
import { openPapyra, type OpenPapyraOptions, type Papyra } from '@papyra/core'
import { requireSystemId } from './address.js'
import type { MailboxOptions } from './behavior.js'
import type { DeadLetterOptions } from './dead-letters.js'
import { HookCaller, type ActorHooks } from './hooks.js'
import { requireMs } from './require.js'
import type { Supervision } from './supervision.js'

/** What a system takes besides its store. */
export interface RuntimeOptions {
  readonly hooks?: ActorHooks
  /** Wall time for facts, monotonic time for timeouts and budgets. */
  readonly clock?: Clock
  /** What holds for actors that state nothing else. */
  readonly supervision?: Supervision
  /** What holds for actors that state nothing else. */
  readonly mailbox?: MailboxOptions
  readonly deadLetters?: DeadLetterOptions
  /** Store an audit so often, in ms. Default: only on demand. */
  readonly auditEveryMs?: number
}

/** The system opens its store itself, through the startup gate, and closes it. */
export interface OwnStore extends Omit<OpenPapyraOptions, 'hooks' | 'clock'> {
  readonly papyra?: never
}

/** The store is open already; who opened it closes it, after the system. */
export interface LentStore {
  readonly papyra: Papyra
  /** Default, and the only choice: that of the store. */
  readonly systemId?: string
}

export type ActorSystemOptions = RuntimeOptions & (OwnStore | LentStore)

/** A store that is open, and what was made of the options on the way. */
export interface Prepared {
  readonly papyra: Papyra
  readonly isOwn: boolean
  readonly clock: Clock
  readonly hooks: ActorHooks
  readonly caller: HookCaller
}

/**
 * Opens the store, or takes the one that is lent. Rejects as `openPapyra` does, with
 * `invalid_argument`, and with `closed` for a lent store that is closed.
 */
export async function prepare(options: ActorSystemOptions): Promise<Prepared> {
  const { hooks = {}, clock = systemClock, auditEveryMs = 0 } = options
  requireMs('auditEveryMs', auditEveryMs)
  const caller = new HookCaller()
  const common = { clock, hooks, caller }
  if (options.papyra !== undefined) {
    return { ...common, papyra: checkLent(options.papyra, options.systemId), isOwn: false }
  }
  requireSystemId(options.systemId)
  const { supervision, mailbox, deadLetters, auditEveryMs: _, ...store } = options
  const papyra = await openPapyra({ ...store, clock, hooks: caller.forStore(hooks) })
  return { ...common, papyra, isOwn: true }
}

function checkLent(papyra: Papyra, systemId: string | undefined): Papyra {
  requireSystemId(papyra.systemId)
  if (systemId !== undefined && systemId !== papyra.systemId) {
    throw new PapyraError('invalid_argument', '`systemId` is not that of the store.', {
      hint: 'Leave it out: the store has one.',
      details: { systemId, store: papyra.systemId },
    })
  }
  if (papyra.state === 'open') return papyra
  throw new PapyraError('closed', 'The store that was lent is closed, or closing.')
}
