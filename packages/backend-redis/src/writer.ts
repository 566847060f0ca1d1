import {
  PapyraError,
  type AppendFact,
  type AppendResult,
  type PapyraErrorCode,
} from '@papyra/contracts'
import type { Call, Ending } from './batch.js'
import { deferred, type Deferred } from './deferred.js'
import type { Delivery } from './delivery.js'
import { encodeCall } from './encode.js'

/** What goes in one script, unless a single call is larger. */
const BATCH_RECORDS = 256
const BATCH_BYTES = 1_048_576

export interface WriterOptions {
  readonly maxRecordBytes: number
  readonly maxWaitingBytes: number
  /** How long an append may take, in ms. */
  readonly appendTimeoutMs: number
  /** Told of each call that was refused or failed. */
  readonly onFailure: (code: PapyraErrorCode) => void
}

/** A call that has no room yet: its facts are not encoded. */
interface Parked {
  readonly facts: readonly AppendFact[]
  readonly deadline: number
  readonly settled: Deferred<AppendResult>
}

/**
 * Takes appends in the order of the calls and hands them on in batches, one at a time. Every call
 * settles by its deadline: one that was never sent is refused as not stored; one whose fate cannot be
 * found out by then stops the writer for good.
 */
export class Writer {
  readonly #delivery: Delivery
  readonly #options: WriterOptions
  #queue: Call[] = []
  #parked: Parked[] = []
  #waitingBytes = 0
  #pumping: Promise<void> | null = null
  /** The last call that was taken; those before it settle before it. */
  #last: Deferred<AppendResult> | null = null
  #latched: PapyraError | null = null
  #timer: NodeJS.Timeout | null = null

  constructor(delivery: Delivery, options: WriterOptions) {
    this.#delivery = delivery
    this.#options = options
  }

  append(facts: readonly AppendFact[]): Promise<AppendResult> {
    const settled = deferred<AppendResult>()
    const deadline = performance.now() + this.#options.appendTimeoutMs
    const full = this.#waitingBytes > this.#options.maxWaitingBytes || this.#parked.length > 0
    const parked = { facts: full ? [...facts] : facts, deadline, settled }
    if (this.#latched !== null) this.#fail(settled, this.#latched)
    else if (full) {
      this.#parked.push(parked)
      this.#last = settled
    } else this.#admit(parked)
    this.#arm()
    this.#pumping ??= this.#pump()
    return settled.promise
  }

  /** Resolves when every call made so far has settled. */
  async flush(): Promise<void> {
    await this.#last?.promise.catch(() => undefined)
  }

  /** Resolves when no call is waiting any more; none may come after this one. */
  async drain(): Promise<void> {
    while (this.#pumping !== null) await this.#pumping
    if (this.#latched === null) await this.#delivery.leave().catch(() => undefined)
  }

  #admit({ facts, deadline, settled }: Parked): void {
    try {
      const call = encodeCall(facts, this.#options.maxRecordBytes)
      this.#queue.push({ ...call, deadline, settled })
      this.#waitingBytes += call.bytes
      this.#last = settled
    } catch (error) {
      this.#fail(settled, error as PapyraError)
    }
  }

  #makeRoom(): void {
    while (this.#parked.length > 0 && this.#waitingBytes <= this.#options.maxWaitingBytes) {
      const next = this.#parked.shift()
      if (next !== undefined) this.#admit(next)
    }
  }

  async #pump(): Promise<void> {
    // Calls of the same turn go together.
    await Promise.resolve()
    for (;;) {
      this.#makeRoom()
      const batch = this.#take()
      if (batch.length === 0) break
      const ending = await this.#delivery.deliver(batch).catch(defect)
      this.#settle(batch, ending)
    }
    // In the same turn in which nothing was left: a call that comes now begins anew.
    this.#pumping = null
    this.#disarm()
  }

  #take(): Call[] {
    let [records, bytes, count] = [0, 0, 0]
    for (const call of this.#queue) {
      records += call.records.length
      bytes += call.bytes
      if (count > 0 && (records > BATCH_RECORDS || bytes > BATCH_BYTES)) break
      count += 1
    }
    return this.#queue.splice(0, count)
  }

  #settle(batch: readonly Call[], ending: Ending): void {
    if (ending.stored !== null) {
      let first = ending.stored
      for (const { records, settled, bytes } of batch) {
        const numbers = { firstSeq: first, lastSeq: first + records.length - 1 }
        this.#waitingBytes -= bytes
        first += records.length
        if (ending.error === null) settled.resolve(numbers)
        else this.#fail(settled, withNumbers(ending.error, numbers))
      }
      return
    }
    if (ending.latch) this.#latch(ending.error)
    const now = performance.now()
    const again: Call[] = []
    for (const call of batch) {
      const over = ending.latch || !ending.passing || call.deadline - now <= ending.reserveMs + 1
      if (!over) again.push(call)
      else {
        this.#waitingBytes -= call.bytes
        this.#fail(call.settled, ending.error)
      }
    }
    this.#queue.unshift(...again)
  }

  /** Stops the writer for good. */
  #latch(error: PapyraError): void {
    this.#latched = error
    for (const { settled } of [...this.#queue, ...this.#parked]) this.#fail(settled, error)
    this.#queue = []
    this.#parked = []
    this.#waitingBytes = 0
  }

  #fail(settled: Deferred<AppendResult>, error: PapyraError): void {
    this.#options.onFailure(error.code)
    settled.reject(error)
  }

  #disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** Calls that wait behind others settle by their deadline too: they were never sent. */
  #arm(): void {
    if (this.#timer !== null) return
    const next = this.#queue[0] ?? this.#parked[0]
    if (next === undefined) return
    this.#timer = setTimeout(
      () => {
        this.#timer = null
        const now = performance.now()
        const late = (call: { readonly deadline: number }): boolean => call.deadline <= now
        const over = [...this.#queue.filter(late), ...this.#parked.filter(late)]
        for (const call of this.#queue.filter(late)) this.#waitingBytes -= call.bytes
        this.#queue = this.#queue.filter((call) => !late(call))
        this.#parked = this.#parked.filter((call) => !late(call))
        for (const { settled } of over) this.#fail(settled, this.#delivery.notInTime())
        this.#arm()
      },
      Math.max(1, next.deadline - performance.now()),
    )
  }
}

/** What must not happen stops the writer, rather than leaving its callers without an answer. */
function defect(thrown: unknown): Ending {
  const error = new PapyraError('internal', 'An append failed in a way that was not foreseen.', {
    details: { name: thrown instanceof Error ? thrown.name : typeof thrown },
  })
  return { stored: null, error, latch: true, passing: false, reserveMs: 0 }
}

function withNumbers(error: PapyraError, numbers: AppendResult): PapyraError {
  const { code, message, hint, details } = error
  return new PapyraError(code, message, { hint, details: { ...details, ...numbers } })
}
