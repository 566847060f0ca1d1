import { PapyraError, type OwnerClient } from '@papyra/contracts'
import type { Listening, Vfs } from '../vfs.js'
import { lockBase } from '../segments/names.js'
import { errnoOf } from '../write/io-error.js'
import type { Begun } from './begun.js'
import { SOCKET_FACT, SOCKET_PROBLEM_FACT, socketPath, TOKEN_FACT } from './names.js'
import { ownerClient } from './owner-client.js'
import { ControlServer, type LongWork, type Served } from './server.js'

/** Where a store is, as whoever opens it names it. */
interface Place {
  /** What its lock file is named after. */
  readonly lockedAs: string
  /** What errors name. */
  readonly location: string
  /** What is locked beside the lock file, if it is not the log. */
  readonly locked?: string
}

/**
 * The control socket of one open store: the owner listens, anybody else asks the owner. Whatever
 * goes wrong with it, the store works as without it; the lock file then says why nobody listens.
 */
export class ControlPort {
  readonly #vfs: Vfs
  readonly #place: Place
  #server: ControlServer | null = null
  #listening: Listening | null = null
  #closed: boolean = false

  private constructor(vfs: Vfs, place: Place) {
    this.#vfs = vfs
    this.#place = place
  }

  /** Of a store that is one log. */
  static ofLog(vfs: Vfs, log: string): ControlPort {
    return new ControlPort(vfs, { lockedAs: log, location: log })
  }

  /** Of a store of segments. */
  static ofSegments(vfs: Vfs, dir: string): ControlPort {
    return new ControlPort(vfs, { lockedAs: lockBase(dir), location: dir, locked: dir })
  }

  /**
   * Begins to listen, and to do for others what they ask `served` for; what takes long is `work`'s. A
   * second call changes nothing.
   */
  async serve(served: Served, begun: Begun, work: LongWork = served): Promise<void> {
    const { sockets, host, randomHex } = this.#vfs
    if (sockets === undefined || this.#server !== null || this.#closed) return
    const owner = { pid: host.pid, host: host.hostname, since: begun.since }
    const token = randomHex(16)
    const server = new ControlServer({ served, work, owner, token, location: begun.location })
    this.#server = server
    try {
      const path = socketPath(begun.lockedAs)
      const listening = await sockets.listen(path, (socket) => server.accept(socket))
      if (this.#isClosed()) return listening.close()
      this.#listening = listening
      await begun.announce({ [SOCKET_FACT]: listening.path, [TOKEN_FACT]: token })
    } catch (error) {
      const problem = errnoOf(error) || String(error).slice(0, 200)
      await begun.announce({ [SOCKET_PROBLEM_FACT]: problem })
    }
  }

  /** See `Backend.owner`. */
  async owner(): Promise<OwnerClient | null> {
    const { lockedAs, ...about } = this.#place
    if (this.#closed) throw new PapyraError('closed', `${about.location} is closed.`)
    return ownerClient(this.#vfs, lockedAs, about)
  }

  /** Stops listening and what runs for others, at once. Idempotent. */
  close(): void {
    this.#closed = true
    this.#listening?.close()
    this.#listening = null
    this.#server?.close()
  }

  #isClosed(): boolean {
    return this.#closed
  }
}
