import type { StoreLock } from '../write/lock.js'
import type { OwnerFacts } from '../write/owner-line.js'

/** What a store hands over when it takes appends, to whoever serves it to other processes. */
export interface Begun {
  /** Absolute path of the store, links resolved. */
  readonly location: string
  /** What its lock file is named after, links resolved. */
  readonly lockedAs: string
  /** Wall time in ms since when the store is ours. */
  readonly since: number
  /** Adds to what the lock file says of its owner. */
  announce(facts: OwnerFacts): Promise<void>
}

/** Called at the end of `begin`, before it resolves. */
export type OnBegun = (begun: Begun) => Promise<void>

interface Owned {
  readonly location: string
  readonly lock: StoreLock | null
  readonly opened: { readonly wall: number }
}

export function begunOf({ location, lock, opened }: Owned, lockedAs: string = location): Begun {
  const announce = async (facts: OwnerFacts): Promise<void> => lock?.announce(facts)
  return { location, lockedAs, since: opened.wall, announce }
}
