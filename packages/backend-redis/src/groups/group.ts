import { PapyraError, type PendingRecord } from '@papyra/contracts'
import { list, text } from '../entry.js'
import { Acks } from './acks.js'
import { claimAll } from './claim.js'
import { consume } from './consume.js'
import type { Delivery } from './delivery.js'
import type { ClaimReport } from './events.js'
import type { GroupStore } from './group-store.js'
import { checkName, refuse } from './names.js'
import { checkClaim, checkConsume, type ClaimOptions, type ConsumeOptions } from './options.js'
import { pendingRecords } from './pending.js'
import { leave, giveAll } from './removal.js'
import { ensureScript } from './scripts.js'
import type { Surroundings } from './surroundings.js'

/** Where a new group begins. There is no default: either may be the wrong one. */
export type Start = 'oldest' | 'newest' | { readonly afterSeq: number }

/**
 * A group of consumers of the records of one kind: each record goes to one of them, and stays pending
 * until it is acknowledged. Deliveries are at least once: a consumer that dies, or is too slow, has its
 * records delivered to another. `Delivery.key` tells repeats.
 */
export class ConsumerGroup {
  readonly #store: GroupStore
  readonly #surroundings: Surroundings
  readonly #acks: Acks
  readonly #running: Set<AbortController> = new Set()
  #closed = false

  constructor(store: GroupStore, surroundings: Surroundings) {
    this.#store = store
    this.#surroundings = surroundings
    this.#acks = new Acks(store)
  }

  /**
   * Makes the group unless it is there. Resolves with `made` or `there`. Rejects with `group_exists` if
   * it was made with another start, and with `store_replaced` if the stream is missing.
   */
  async ensure({ start }: { readonly start: Start }): Promise<'made' | 'there'> {
    this.#checkOpen()
    const from = startText(start)
    const { kind, group } = this.#store
    const [status, said] = list(await this.#store.run(ensureScript, [from, kind])).map((part) =>
      text(part),
    )
    if (status === 'made') return 'made'
    if (status === 'gone') throw this.#store.store.replaced(`the stream of ${kind} records is gone`)
    if (said === undefined || said === '' || said === from) return 'there'
    const words = `The group ${group} is there already; it was made to start at ${said}, not ${from}.`
    throw new PapyraError('group_exists', words, { details: { kind, group, start: said } })
  }

  /**
   * The records that are delivered to this consumer, one by one; more are fetched when all of a batch
   * were taken. Waits for new ones without end, and through lost connections, until `signal` aborts or
   * the group is closed. What others left pending is claimed on the way. Rejects with
   * `group_not_found`, `store_replaced`, `backend_denied`, `backend_key_conflict`.
   */
  async *consume(options: ConsumeOptions): AsyncGenerator<Delivery, void, undefined> {
    this.#checkOpen()
    const checked = checkConsume(options)
    const stop = new AbortController()
    this.#running.add(stop)
    const signals = [stop.signal, ...(checked.signal ? [checked.signal] : [])]
    const signal = AbortSignal.any(signals)
    try {
      yield* consume(this.#store, this.#surroundings, this.#acks, { ...checked, signal })
    } finally {
      this.#running.delete(stop)
    }
  }

  /**
   * Takes over all that has been pending for too long, as far as to the end of what is pending.
   * Rejects with `group_not_found`.
   */
  async claim(options: ClaimOptions): Promise<ClaimReport> {
    this.#checkOpen()
    const found = { claimed: [] as number[], deleted: [] as number[], poison: [] as number[] }
    const invalid: string[] = []
    const wanted = { ...checkClaim(options), batch: 100, signal: options.signal }
    for await (const page of claimAll(this.#store, wanted, this.#surroundings.tell)) {
      found.claimed.push(...page.records.map(({ record }) => record.seq))
      found.deleted.push(...page.deleted)
      found.poison.push(...page.poison)
      invalid.push(...page.invalid)
    }
    return { ...found, invalid }
  }

  /** What is pending, by number. Rejects with `group_not_found`. */
  async *pending(
    options: { readonly consumer?: string; readonly minIdleMs?: number } = {},
  ): AsyncGenerator<PendingRecord, void, undefined> {
    this.#checkOpen()
    for await (const page of pendingRecords(this.#store, options)) yield* page
  }

  /**
   * Removes a consumer; what it holds goes to another one first. Resolves with the numbers that went
   * over. Rejects with `group_not_found` if there is no such consumer, too.
   */
  async removeConsumer(consumer: string, heir: string): Promise<readonly number[]> {
    this.#checkOpen()
    const to = checkName('heir', heir)
    if (to === consumer) throw refuse('The heir must be another consumer.')
    const { given } = await giveAll(this.#store, { consumer, to })
    await leave(this.#store, consumer)
    return given
  }

  /** Ends all iterations and closes the connections. What was delivered and not acknowledged stays pending. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const stop of this.#running) stop.abort()
    await this.#acks.settle()
    this.#store.store.connection.close()
  }

  #checkOpen(): void {
    if (this.#closed) throw new PapyraError('closed', 'The group of consumers is closed.')
  }
}

function startText(start: Start): string {
  if (start === 'oldest') return '0'
  if (start === 'newest') return 'newest'
  const after = (start as { readonly afterSeq?: unknown } | null)?.afterSeq
  if (typeof after === 'number' && Number.isSafeInteger(after) && after >= 0) return String(after)
  throw refuse('start must be oldest, newest, or { afterSeq } with a whole number.')
}
