import type { Link } from './link.js'
import type { Address, RedisLike } from './wire.js'

/** How the server that takes a store's writes is found; asked anew for each connection. */
export interface Route {
  /** Where the store is, without credentials. */
  readonly url: string
  /** True if another server takes the place of one that fails, so that waiting for it makes sense. */
  readonly failsOver: boolean
  readonly clustered: boolean
  /**
   * A client, not connected yet, for the server that is the master now. `key` is one of the store.
   * Rejects with an error of the outcome `not_sent` if nobody can tell.
   */
  locate(key: string): Promise<RedisLike>
  /** The same for the node that another node named. */
  at(node: Address): RedisLike
  /** Rejects if this is not the server to write to after all. */
  verify(link: Link): Promise<void>
}
