import type { AppendFact } from '@papyra/contracts'

/** A typical order event; its line takes about 270 bytes. */
export function fact(n: number): AppendFact {
  const payload = `{"id":"A${n}","item":"bicycle bell","total":${n % 500},"customer":{"name":"Ada","city":"Winterthur"},"note":"${'x'.repeat(40)}"}`
  return {
    kind: 'event',
    timestamp: 1_760_000_000_000 + n,
    members: `"system_id":"shop","actor_address":"shop://orders","event_type":"order.placed","payload":${payload}`,
  }
}

/** The same fact as the peers write it: one object a line, by `JSON.stringify`. */
export function plainObject(n: number): unknown {
  return {
    seq: n,
    kind: 'event',
    timestamp: 1_760_000_000.123 + n,
    system_id: 'shop',
    actor_address: 'shop://orders',
    event_type: 'order.placed',
    payload: {
      id: `A${n}`,
      item: 'bicycle bell',
      total: n % 500,
      customer: { name: 'Ada', city: 'Winterthur' },
      note: 'x'.repeat(40),
    },
  }
}
