import { setTimeout as sleep } from 'node:timers/promises'
import { PapyraError, type SeqRange } from '@papyra/contracts'
import type { Acknowledger } from './ack.js'
import { runsOf, type Call, type Ending } from './batch.js'
import type { Argument, Connection, Reply } from './connection.js'
import { list, text } from './entry.js'
import type { Keys } from './keys.js'
import { packed } from './packed.js'
import { failureOf } from './redis-errors.js'
import { appendScript, leaveScript, settleScript } from './scripts/append.js'

const FIRST_PAUSE_MS = 20
const MOST_PAUSE_MS = 1000

export interface DeliveryOptions {
  readonly connection: Connection
  readonly keys: Keys
  readonly logId: string
  readonly seed: number
  readonly epoch: number
  /** Random, of this writer alone. */
  readonly writer: string
  readonly acknowledger: Acknowledger
  /** How long one attempt may take to settle, in ms: kept in reserve for the last one. */
  readonly reserveMs: number
  /**
   * Called when the store is not as it was left. Resolves with `null` if it is all right after all;
   * else with the error that stops the writer.
   */
  readonly onMismatch: (seen: Mismatch) => Promise<PapyraError | null>
}

/** What the script found that stopped an append. */
export interface Mismatch {
  readonly status: string
  readonly writer: string
  /** What this writer was acknowledged; `null` if nothing. */
  readonly acknowledged: SeqRange | null
}

/** Brings batches to the server, each exactly once. */
export class Delivery {
  readonly #options: DeliveryOptions
  #sent = 0
  #acknowledged: SeqRange | null = null
  #everUnknown = false
  #lastError: PapyraError | null = null

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  /**
   * After the last batch: takes this writer out of the table, unless a request of it may still be on
   * its way, which the table has to refuse.
   */
  async leave(): Promise<void> {
    const { connection, keys, logId, writer } = this.#options
    if (this.#everUnknown || this.#sent === 0) return
    await connection.run(leaveScript, [keys.meta, keys.writers], [logId, writer])
  }

  /** Why a call that was never sent did not get its turn. */
  notInTime(): PapyraError {
    const { location } = this.#options.connection
    if (this.#lastError !== null) return this.#lastError
    const text = `The append was not sent to ${location} in time; nothing of it is stored.`
    return new PapyraError('write_failed', text, { details: { location } })
  }

  async deliver(batch: readonly Call[]): Promise<Ending> {
    const first = this.#sent + 1
    const [args, count] = this.#arguments(batch, first)
    const deadline = Math.min(...batch.map((call) => call.deadline)) - this.#options.reserveMs
    const attempt = { args, first, last: first + count - 1, unknown: false }
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, MOST_PAUSE_MS)) {
      const ending = await this.#try(attempt, deadline)
      if (ending !== null) return ending
      await sleep(Math.max(0, Math.min(pause, deadline - performance.now())))
    }
  }

  #arguments(batch: readonly Call[], first: number): [Argument[], number] {
    const { logId, epoch, writer, seed } = this.#options
    const records = batch.flatMap((call) => call.records)
    const runs = runsOf(records.map(({ place }) => place))
    const all = packed(records, { seed, head: `${writer}:${epoch}:`, first })
    const args = [logId, epoch, writer, first, runs, records.length, all]
    return [args, records.length]
  }

  /** One attempt; `null` if there is time for another. */
  async #try(attempt: Attempt, deadline: number): Promise<Ending | null> {
    const { connection, keys, acknowledger } = this.#options
    try {
      await acknowledger.prepare()
      const names = [keys.meta, keys.writers, ...keys.streams]
      // An attempt that has begun may use half of the reserve; the other half is for finding out.
      const end = deadline + this.#options.reserveMs / 2
      const reply = await connection.run(appendScript, names, attempt.args, end)
      attempt.unknown = false
      return await this.#answered(attempt, reply, deadline)
    } catch (error) {
      if (!(error instanceof PapyraError)) throw error
      const failure = failureOf(error)
      this.#lastError = error
      if (failure?.outcome === 'unknown') {
        attempt.unknown = true
        this.#everUnknown = true
      }
      const passing = failure?.passing ?? false
      if (passing && performance.now() < deadline) return null
      if (attempt.unknown) return this.#resolve(attempt, error, passing)
      return this.#refused(error, passing)
    }
  }

  async #answered(attempt: Attempt, reply: Reply, deadline: number): Promise<Ending | null> {
    const [status, seq] = list(reply).map(text)
    const { writer, onMismatch, acknowledger } = this.#options
    if (status === 'ok') {
      const stored = Number(seq)
      // Stored, whatever becomes of the confirmation: an attempt after this one is a repeat.
      attempt.unknown = true
      const missing = await acknowledger.confirm()
      this.#sent = attempt.last
      this.#lastError = null
      const last = stored + attempt.last - attempt.first
      this.#acknowledged = { first: this.#acknowledged?.first ?? stored, last }
      if (missing === null) return { stored, error: null }
      return { stored, error: underReplicated(missing) }
    }
    const seen = { status: status ?? '', writer, acknowledged: this.#acknowledged }
    const error = await onMismatch(seen)
    if (error === null) {
      return performance.now() < deadline ? null : this.#refused(this.notInTime(), true)
    }
    return { stored: null, error, latch: true, passing: false, reserveMs: 0 }
  }

  /** Finds out about a batch that nobody waits for any longer, or stops the writer. */
  async #resolve(attempt: Attempt, why: PapyraError, passing: boolean): Promise<Ending> {
    const { connection, keys, logId, epoch, writer, reserveMs, acknowledger } = this.#options
    const { first, last } = attempt
    try {
      const reply = await connection.run(
        settleScript,
        [keys.meta, keys.writers],
        [logId, epoch, writer, first, last],
        performance.now() + reserveMs / 2,
      )
      const [status, seq] = list(reply).map(text)
      if (status === 'ok') {
        this.#sent = last
        const stored = Number(seq)
        this.#acknowledged = {
          first: this.#acknowledged?.first ?? stored,
          last: stored + last - first,
        }
        const missing = await acknowledger.confirm()
        return { stored, error: missing === null ? null : underReplicated(missing) }
      }
      if (status === 'void') {
        this.#sent = last
        return this.#refused(why, passing)
      }
    } catch {
      // Not to be found out in time.
    }
    const details = {
      location: connection.location,
      records: last - first + 1,
      writer,
      numbers: { first, last },
      afterSeq: this.#acknowledged?.last ?? null,
    }
    const what = `The server at ${connection.location} did not say in time whether it stored ${details.records} records. Their fate is unknown; the writer stopped.`
    const error = new PapyraError('writer_latched', what, {
      hint: 'Open the store again when the server answers, and look whether the records are there.',
      details,
    })
    return { stored: null, error, latch: true, passing: false, reserveMs: 0 }
  }

  #refused(error: PapyraError, passing: boolean): Ending {
    return { stored: null, error, latch: false, passing, reserveMs: this.#options.reserveMs }
  }
}

function underReplicated(missing: { readonly asked: number; readonly got: number }): PapyraError {
  const text = `The records are stored, but only ${missing.got} of ${missing.asked} confirmed them.`
  return new PapyraError('under_replicated', text, { details: missing })
}

interface Attempt {
  readonly args: readonly Argument[]
  readonly first: number
  readonly last: number
  /** True if an earlier attempt may have been carried out. */
  unknown: boolean
}
