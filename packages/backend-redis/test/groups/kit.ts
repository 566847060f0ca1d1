import type { Backend } from '@papyra/contracts'
import {
  openConsumerGroup,
  type ConsumerGroup,
  type GroupEvent,
} from '../../src/consumer-groups.js'
import type { ConsumeOptions, Delivery } from '../../src/consumer-groups.js'
import { redisBackend } from '../../src/index.js'
import type { TestServer } from '../support/redis-server.js'
import { begun, event } from '../support/stores.js'

/** A store with so many events, open for writing, and a group of its own. */
export interface World {
  readonly system: string
  readonly store: Backend
  readonly group: ConsumerGroup
  readonly events: GroupEvent[]
  readonly url: string
  append(count: number): Promise<void>
  close(): Promise<void>
}

let made = 0

export async function world(
  server: TestServer,
  count: number,
  url: string = server.url,
): Promise<World> {
  made += 1
  const system = `g${made}`
  const store = await begun(redisBackend({ url: server.url, system }))
  let next = 1
  const append = async (more: number): Promise<void> => {
    for (let left = more; left > 0; left -= 500) {
      const some = Array.from({ length: Math.min(left, 500) }, () => event(next++))
      await store.append(some)
    }
  }
  await append(count)
  const events: GroupEvent[] = []
  const group = await openConsumerGroup({
    store: { url, system, commandTimeoutMs: 300 },
    kind: 'event',
    group: 'mail',
    onEvent: (one) => events.push(one),
  })
  const close = async (): Promise<void> => {
    await group.close()
    await store.close()
  }
  return { system, store, group, events, url, append, close }
}

/** Quick to look again. */
export const QUICK = { blockMs: 50, claimEveryMs: 20, minIdleMs: 0 } as const

/** Takes deliveries until `count` have come, and does with each what `handle` says. */
export async function take(
  group: ConsumerGroup,
  count: number,
  options: Partial<ConsumeOptions> = {},
  handle: (delivery: Delivery) => Promise<void> = (delivery) => delivery.ack(),
): Promise<Delivery[]> {
  const taken: Delivery[] = []
  if (count === 0) return taken
  for await (const delivery of group.consume({ consumer: 'c', blockMs: 50, ...options })) {
    taken.push(delivery)
    await handle(delivery)
    if (taken.length === count) break
  }
  return taken
}

export const seqs = (deliveries: readonly Delivery[]): number[] =>
  deliveries.map(({ record }) => record.seq)

export const range = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at)

export async function pendingOf(group: ConsumerGroup): Promise<number[]> {
  const found: number[] = []
  for await (const { seq } of group.pending()) found.push(seq)
  return found
}
