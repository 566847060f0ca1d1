import type { Ask, Behavior } from '@papyra/actors'
import type { Papyra } from '@papyra/core'

export interface Facts {
  event: {
    'order.placed': { id: string; item: string; total: number }
    'order.shipped': { id: string }
  }
}

/** An acknowledged fact: its number, and the order it is about. */
export interface Acknowledged {
  readonly seq: number
  readonly id: string
}

export type OrdersMessage = Ask<{ type: 'place'; n: number }, Acknowledged>
export type ShippingMessage = Ask<{ type: 'ship'; id: string }, Acknowledged>

const ITEMS = ['lamp', 'kettle', 'atlas', 'bicycle bell']

/** Takes orders; the answer comes when the fact is stored. */
export function orders(papyra: Papyra<Facts>): Behavior<OrdersMessage> {
  return {
    receive: {
      async place({ n }) {
        const id = `A${String(n).padStart(4, '0')}`
        const payload = { id, item: ITEMS[n % ITEMS.length] as string, total: (n * 37) % 500 }
        const { seq } = await papyra.recordEvent({
          actor: 'shop://orders',
          type: 'order.placed',
          payload,
        })
        return { seq, id }
      },
    },
  }
}

/** Ships orders; every hundredth has no address, which is more than it can take. */
export function shipping(papyra: Papyra<Facts>): Behavior<ShippingMessage> {
  return {
    receive: {
      async ship({ id }) {
        if (id.endsWith('00')) throw new Error(`The order ${id} has no address.`)
        const { seq } = await papyra.recordEvent({
          actor: 'shop://shipping',
          type: 'order.shipped',
          payload: { id },
        })
        return { seq, id }
      },
    },
  }
}
