import { PapyraError, systemClock } from '@papyra/contracts'
import { readMeta } from '../meta.js'
import { connectionTo, placeOf } from '../place.js'
import { identityOf } from '../remains.js'
import { Store } from '../store.js'
import { ConsumerGroup } from './group.js'
import { GroupStore } from './group-store.js'
import { checkGroup, type ConsumerGroupOptions } from './options.js'

/**
 * Opens a group of consumers of a store that is there; makes nothing (see `ConsumerGroup.ensure`).
 * Rejects with `invalid_argument`, `store_not_found`, or a code `backend_…`.
 *
 * @example
 * const group = await openConsumerGroup({ store: { url, system: 'shop' }, kind: 'event', group: 'mail' })
 * await group.ensure({ start: 'oldest' })
 * for await (const delivery of group.consume({ consumer: 'mail-1', signal })) {
 *   await send(delivery.record)
 *   await delivery.ack()
 * }
 */
export async function openConsumerGroup(options: ConsumerGroupOptions): Promise<ConsumerGroup> {
  checkGroup(options)
  const place = placeOf(options.store)
  const { settings, keys } = place
  const connection = connectionTo(place)
  try {
    const meta = readMeta(await connection.ask('HGETALL', keys.meta), connection.location)
    if (meta === null) {
      const { location } = connection
      const text = `There is no store at ${location}.`
      throw new PapyraError('store_not_found', text, { details: { location } })
    }
    const store = new Store(connection, keys, settings.clock ?? systemClock, {
      ...identityOf(meta),
      consumerAliveMs: settings.consumerAliveMs,
    })
    const group = new GroupStore(store, options, settings.appendTimeoutMs)
    return new ConsumerGroup(group, {
      connect: () => connectionTo(place),
      commandTimeoutMs: settings.commandTimeoutMs,
      tell: (event) => {
        try {
          options.onEvent?.(event)
        } catch {
          // Whoever listens must not stop the work.
        }
      },
    })
  } catch (error) {
    connection.close()
    throw error
  }
}
