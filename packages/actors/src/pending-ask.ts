import { PapyraError, type Clock } from '@papyra/contracts'
import { messageType } from './message.js'
import { DeliveryError, type AskFailure } from './reasons.js'
import type { AnyRef, AskOptions } from './ref.js'
import { requireMs } from './require.js'

/** An ask that waits for its reply; settles once, whatever comes first. */
export class PendingAsk {
  readonly counted = true
  readonly sender: AnyRef | null
  readonly #resolve: (reply: unknown) => void
  readonly #reject: (error: Error) => void
  readonly #target: { readonly address: string }
  readonly #message: unknown
  #settled = false
  #release: (() => void) | null = null
  /** Neighbours among the asks with the same time allowed, while it waits there. */
  before: PendingAsk | null = null
  after: PendingAsk | null = null
  lane: Lane | null = null
  deadline = 0

  constructor(
    ask: { target: { readonly address: string }; message: unknown; sender: AnyRef | null },
    resolve: (reply: unknown) => void,
    reject: (error: Error) => void,
  ) {
    this.#target = ask.target
    this.#message = ask.message
    this.sender = ask.sender
    this.#resolve = resolve
    this.#reject = reject
  }

  get isSettled(): boolean {
    return this.#settled
  }

  resolve(reply: unknown): void {
    if (this.#end()) this.#resolve(reply)
  }

  /** Rejects with a `DeliveryError`. `cause` is an array so that `undefined` can be thrown too. */
  fail(reason: AskFailure, cause: readonly [unknown] | [] = []): void {
    if (!this.#end()) return
    const place = { target: this.#target.address, messageType: messageType(this.#message) }
    const [thrown] = cause
    this.#reject(
      new DeliveryError(reason, cause.length === 0 ? place : { ...place, cause: thrown }),
    )
  }

  abortWith(signal: AbortSignal): void {
    const abort = (): void => {
      if (!this.#end()) return
      const error = new PapyraError('aborted', 'The ask was stopped on request.', {
        cause: signal.reason,
      })
      this.#reject(error)
    }
    if (signal.aborted) {
      abort()
      return
    }
    signal.addEventListener('abort', abort, { once: true })
    this.#release = () => signal.removeEventListener('abort', abort)
  }

  #end(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.lane?.remove(this)
    this.#release?.()
    return true
  }
}

/** The asks that were granted the same time: they run out in the order in which they came. */
class Lane {
  readonly #ms: number
  readonly #clock: Clock
  #first: PendingAsk | null = null
  #last: PendingAsk | null = null
  #timer: NodeJS.Timeout | null = null
  /** Looks soon whether the timer may let the process end. */
  #letting = false

  constructor(ms: number, clock: Clock) {
    this.#ms = ms
    this.#clock = clock
  }

  add(ask: PendingAsk): void {
    ask.deadline = this.#clock.monotonic() + this.#ms
    ask.lane = this
    ask.before = this.#last
    if (this.#last === null) {
      this.#first = ask
      if (this.#timer === null) this.#arm(this.#ms)
      else if (!this.#letting) this.#timer.ref()
    } else {
      this.#last.after = ask
    }
    this.#last = ask
  }

  remove(ask: PendingAsk): void {
    const { before, after } = ask
    if (before === null) this.#first = after
    else before.after = after
    if (after === null) this.#last = before
    else after.before = before
    ask.before = null
    ask.after = null
    ask.lane = null
    if (this.#first === null && !this.#letting) this.#letGo()
  }

  /**
   * The timer stays for the next ask, but nobody's process stays alive for it. Not at once: where one
   * ask follows the other, a look for many of them costs less than a change of the timer for each.
   */
  #letGo(): void {
    this.#letting = true
    setImmediate(() => {
      this.#letting = false
      if (this.#first === null) this.#timer?.unref()
    })
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #arm(ms: number): void {
    this.#timer = setTimeout(() => this.#expire(), Math.min(ms, 2_147_483_647))
  }

  #expire(): void {
    this.#timer = null
    const now = this.#clock.monotonic()
    while (this.#first !== null && this.#first.deadline <= now) this.#first.fail('timeout')
    if (this.#first !== null) this.#arm(Math.max(1, Math.ceil(this.#first.deadline - now)))
  }
}

/** Ends asks when their time is over, with one timer for all that were granted the same time. */
export class Deadlines {
  readonly #clock: Clock
  readonly #lanes = new Map<number, Lane>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  watch(ask: PendingAsk, { timeoutMs = 5000, signal }: AskOptions): void {
    if (signal !== undefined) ask.abortWith(signal)
    if (timeoutMs === Number.POSITIVE_INFINITY || ask.isSettled) return
    let lane = this.#lanes.get(timeoutMs)
    if (lane === undefined) {
      lane = new Lane(requireMs('timeoutMs', timeoutMs), this.#clock)
      // Many different times are rare; their lanes are not kept for ever.
      if (this.#lanes.size < 64) this.#lanes.set(timeoutMs, lane)
    }
    lane.add(ask)
  }

  stop(): void {
    for (const lane of this.#lanes.values()) lane.stop()
  }
}
