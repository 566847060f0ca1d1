import type { Socket } from 'node:net'
import {
  isPapyraError,
  PapyraError,
  throwIfAborted,
  type Backend,
  type OwnerInfo,
} from '@papyra/contracts'
import { PROTOCOL_VERSION, type Hello } from './protocol.js'
import { readCompactOptions, readScanOptions } from './request-options.js'
import { Session, type Work } from './session.js'

/** What of a backend the owner does for others. */
export type Served = Pick<Backend, 'name' | 'describe' | 'flush'> & LongWork

/** What takes long, one at a time. */
export type LongWork = Pick<Backend, 'compact' | 'scan'>

/** Long operations that wait for their turn beyond this many are refused. */
const MAX_WAITING = 8

export interface ControlServerOptions {
  readonly served: Pick<Backend, 'name' | 'describe' | 'flush'>
  readonly work: LongWork
  readonly owner: OwnerInfo
  readonly token: string
  readonly location: string
}

/** Answers clients in the name of an owner. Long operations run one at a time; the rest at once. */
export class ControlServer {
  readonly #options: ControlServerOptions
  readonly #hello: Hello
  readonly #sessions: Set<Session> = new Set()
  #tail: Promise<unknown> = Promise.resolve()
  #waiting: number = 0
  #closing: boolean = false

  constructor(options: ControlServerOptions) {
    this.#options = options
    const { owner, token, location, served } = options
    const about = { owner, token, backend: served.name, location }
    this.#hello = { papyra: 'control', version: PROTOCOL_VERSION, ...about }
  }

  /** Takes a client. */
  accept(socket: Socket): void {
    if (this.#closing) {
      socket.destroy()
      return
    }
    const session: Session = new Session(socket, {
      hello: this.#hello,
      run: (work) => this.#run(work),
      onEnd: (ended) => this.#sessions.delete(ended),
    })
    this.#sessions.add(session)
  }

  /** Stops what runs for clients, and lets go of them. What the store itself does, goes on. */
  close(): void {
    this.#closing = true
    for (const session of this.#sessions) session.close(this.#goes())
  }

  async #run(work: Work): Promise<unknown> {
    try {
      return await this.#answer(work)
    } catch (error) {
      // `closed` is a defect of whoever calls a closed store; the client did not close it.
      throw this.#closing && isPapyraError(error, 'closed') ? this.#goes() : error
    }
  }

  async #answer({ request, signal, onProgress }: Work): Promise<unknown> {
    const { served, work, owner } = this.#options
    const { op, options } = request
    if (op === 'who') return owner
    if (op === 'metrics') return (await served.describe()).metrics
    if (op === 'flush') return served.flush()
    const long = { signal, onProgress }
    if (op === 'compact') {
      const asked = readCompactOptions(options)
      return this.#inTurn(signal, () => work.compact({ ...asked, ...long }))
    }
    const asked = readScanOptions(options)
    return this.#inTurn(signal, () => work.scan({ ...asked, ...long }))
  }

  /** One after the other; who gives up meanwhile is told at once, and his is not begun. */
  #inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MAX_WAITING) {
      throw new PapyraError('store_locked', `${MAX_WAITING} long operations wait already.`, {
        hint: 'Wait until they are done, then try again.',
      })
    }
    this.#waiting += 1
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(signal.reason as Error)
      signal.addEventListener('abort', giveUp, { once: true })
      const run = this.#tail.then(() => {
        this.#waiting -= 1
        signal.removeEventListener('abort', giveUp)
        throwIfAborted(signal)
        return work()
      })
      this.#tail = run.catch(() => undefined)
      run.then(resolve, reject)
    })
  }

  #goes(): PapyraError {
    const { location } = this.#options
    return new PapyraError(
      'backend_unreachable',
      `The owner of ${location} closes it; the operation was stopped, and nothing is half done.`,
      { hint: 'Try again.', details: { path: location } },
    )
  }
}
