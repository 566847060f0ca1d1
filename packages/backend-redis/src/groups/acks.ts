import { PapyraError } from '@papyra/contracts'
import { list, text } from '../entry.js'
import { failureOf } from '../redis-errors.js'
import { deferred } from '../deferred.js'
import type { GroupStore } from './group-store.js'
import { ackScript } from './scripts.js'

interface Waiting {
  readonly seq: number
  readonly consumer: string
  readonly deliveries: number
  readonly done: (error?: PapyraError) => void
}

/** At most so many in one step of the server. */
const MOST = 500
const RETRY_MS = 100

/** Acknowledges records; those that are asked for at the same time go together, one batch at a time. */
export class Acks {
  readonly #store: GroupStore
  #waiting: Waiting[] = []
  #running: Promise<void> | null = null

  constructor(store: GroupStore) {
    this.#store = store
  }

  ack(seq: number, consumer: string, deliveries: number): Promise<void> {
    const { promise, resolve, reject } = deferred<void>()
    const done = (error?: PapyraError): void => {
      if (error === undefined) resolve()
      else reject(error)
    }
    this.#waiting.push({ seq, consumer, deliveries, done })
    this.#running ??= this.#run()
    return promise
  }

  /** Waits until nothing is on its way any more. */
  async settle(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    // Whatever is asked for in this turn goes together.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MOST)
      try {
        const { answers, repeated } = await this.#send(batch)
        batch.forEach((one, i) => {
          const answer = answers[i]
          // It may have been this very step that took it, whose answer was lost.
          if (answer === 'ok' || (answer === 'gone' && repeated)) one.done()
          else one.done(this.#notOwner(one))
        })
      } catch (error) {
        for (const one of batch) one.done(error as PapyraError)
      }
    }
    this.#running = null
  }

  /** Sends it until it is answered, or refused, or the time is over. */
  async #send(batch: readonly Waiting[]): Promise<{ answers: string[]; repeated: boolean }> {
    const words = batch.flatMap(({ seq, consumer, deliveries }) => [seq, consumer, deliveries])
    const until = performance.now() + this.#store.patienceMs
    let repeated = false
    for (;;) {
      try {
        const reply = await this.#store.run(ackScript, words)
        return { answers: list(reply).map((one) => text(one)), repeated }
      } catch (error) {
        const failure = failureOf(error)
        // A group that vanished has nothing pending; what is made again delivers it again.
        if (failure?.reason === 'NOGROUP') return { answers: [], repeated: false }
        if (failure?.passing !== true || performance.now() > until) throw error
        repeated ||= failure.outcome === 'unknown'
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
  }

  #notOwner({ seq, consumer }: Waiting): PapyraError {
    const { kind, group } = this.#store
    const text = `${consumer} does not hold the record ${seq} of the group ${group} any more.`
    return new PapyraError('not_owner', text, { details: { kind, group, seq, consumer } })
  }
}
