// Facts that a drill writes into a copy.
import type { AppendFact, Backend } from '@papyra/contracts'

/** A fact with a payload of about so many bytes. */
export function drillFact(timestamp: number, n: number, bytes = 100): AppendFact {
  const payload = JSON.stringify({ n, filler: 'x'.repeat(bytes) })
  const members = `"system_id":"drill","actor_address":null,"event_type":"drill","payload":${payload}`
  return { kind: 'event', timestamp, members }
}

/** The numbers that appends were given, until one failed. */
export interface Acknowledged {
  readonly seqs: readonly number[]
  /** Why it ended; `null` if `until` said so. */
  readonly error: unknown
}

/** Appends batches until one fails or `until` says that it is enough. Never rejects. */
export async function appendUntil(
  backend: Backend,
  facts: () => readonly AppendFact[],
  until: () => boolean,
): Promise<Acknowledged> {
  const seqs: number[] = []
  while (!until()) {
    try {
      const { firstSeq, lastSeq } = await backend.append(facts())
      for (let seq = firstSeq; seq <= lastSeq; seq++) seqs.push(seq)
    } catch (error) {
      return { seqs, error }
    }
  }
  return { seqs, error: null }
}
