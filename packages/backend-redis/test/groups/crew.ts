import type { Backend, BackendDefinition } from '@papyra/contracts'
import {
  openConsumerGroup,
  type ConsumerGroup,
  type GroupEvent,
} from '../../src/consumer-groups.js'
import { redisBackend, type RedisBackendOptions } from '../../src/index.js'
import { begun, event, seqsOf, until } from '../support/stores.js'

export const BATCH = 16
export const CONSUMERS = 3

/** A producer and some consumers of one store, in one process, and what they have seen. */
export interface Crew {
  /** The numbers that the store acknowledged as asked for. */
  readonly confirmed: ReadonlySet<number>
  /** The numbers that are in the store. */
  stored(): Promise<readonly number[]>
  /** How often each record was handled, by number. */
  readonly handled: ReadonlyMap<number, number>
  readonly events: readonly GroupEvent[]
  /** Acknowledgements that were refused, by code. */
  readonly refused: readonly string[]
  /** What ended a consumer or the producer. */
  readonly problems: readonly unknown[]
  readonly doubles: number
  /** So many more records were handled, or somebody gave up. */
  more(count: number): Promise<void>
  /** Appends no more, and waits until all that is stored was handled, and nothing is pending. */
  allHandled(): Promise<void>
  close(): Promise<void>
}

/** Starts to append and to consume; goes on until told otherwise. */
export async function startCrew(options: RedisBackendOptions): Promise<Crew> {
  const producer = new Producer(options)
  await producer.begin()
  const handled = new Map<number, number>()
  const [events, refused, problems]: [GroupEvent[], string[], unknown[]] = [[], [], []]
  const group = await openConsumerGroup({
    store: { ...options, commandTimeoutMs: 2000 },
    ...{ kind: 'event', group: 'mail', onEvent: (one) => void events.push(one) },
  })
  await group.ensure({ start: 'oldest' })
  const stop = new AbortController()
  const work = async (): Promise<void> => {
    for await (const { record, ack } of group.consume({
      ...{ consumer: 'c', batch: BATCH, blockMs: 100, claimEveryMs: 200, minIdleMs: 2000 },
      signal: stop.signal,
    })) {
      handled.set(record.seq, (handled.get(record.seq) ?? 0) + 1)
      ack().catch((error: unknown) => refused.push((error as { code: string }).code))
    }
  }
  const consuming = Array.from({ length: CONSUMERS }, () => work().catch((e) => problems.push(e)))
  const appending = producer.run().catch((e) => problems.push(e))
  const enough = async (): Promise<void> => {
    producer.goesOn = false
    await appending
  }
  const stored = (): Promise<number[]> => seqsOf(producer.store)
  const over = async (): Promise<boolean> =>
    (await stored()).every((seq) => handled.has(seq)) && (await pendingIn(group)) === 0
  return {
    ...{ confirmed: producer.confirmed, stored, handled, events, refused, problems },
    get doubles() {
      return [...handled.values()].reduce((sum, times) => sum + times - 1, 0)
    },
    async more(count) {
      const wanted = handled.size + count
      await until(async () => problems.length > 0 || handled.size >= wanted)
    },
    async allHandled() {
      await enough()
      await until(async () => problems.length > 0 || (await over()))
    },
    async close() {
      await enough()
      stop.abort()
      await Promise.all(consuming)
      await group.close()
      await producer.store.close()
    },
  }
}

/** Appends one by one; what was lost by a failover is accepted, if it was not confirmed. */
class Producer {
  readonly confirmed: Set<number> = new Set()
  readonly #definition: BackendDefinition
  store!: Backend
  goesOn = true

  constructor(options: RedisBackendOptions) {
    this.#definition = redisBackend(options)
  }

  async begin(): Promise<void> {
    this.store = await begun(this.#definition)
  }

  async run(): Promise<void> {
    for (let n = 1; this.goesOn; n += 1) {
      await this.store.append([event(n)]).then(
        ({ firstSeq }) => this.confirmed.add(firstSeq),
        (error: unknown) => this.#failed(error),
      )
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  async #failed(error: unknown): Promise<void> {
    const { code } = error as { code: string }
    if (code === 'under_replicated') return
    if (code !== 'store_replaced') throw error
    await this.store.close()
    this.store = await this.#definition.open({ access: 'write' })
    await this.store.recover({ mode: 'repair', acceptLoss: true })
    await this.store.begin()
  }
}

async function pendingIn(group: ConsumerGroup): Promise<number> {
  let count = 0
  for await (const one of group.pending()) count += one.deliveries > 0 ? 1 : 0
  return count
}
