import type { AppendFact } from '@papyra/contracts'

/** A fact that names itself; its size goes up and down, so that faults fall at every place of a line. */
export function fact(n: number, most: number = 3000): AppendFact {
  return sizedFact(n, (n * 7919) % most)
}

/** A fact whose payload is filled up with so many bytes. */
export function sizedFact(n: number, size: number): AppendFact {
  const payload = `{"n":${n},"pad":"${'x'.repeat(size)}"}`
  const members = `"system_id":"torture","actor_address":null,"event_type":"t","payload":${payload}`
  return { kind: 'event', timestamp: Date.now(), members }
}

/** The number that `fact` put into a record. */
export function numberIn(json: string): number {
  return Number(/"payload":\{"n":(\d+)/.exec(json)?.[1] ?? Number.NaN)
}
