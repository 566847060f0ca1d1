import type { Connection } from '../connection.js'
import type { GroupEvent } from './events.js'

/** What a group works with. */
export interface Surroundings {
  /** A new connection, which is closed by whoever asked for it. */
  readonly connect: () => Connection
  readonly commandTimeoutMs: number
  readonly tell: (event: GroupEvent) => void
}
