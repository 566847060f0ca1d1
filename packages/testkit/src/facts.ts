import type { AppendFact, RecordKind } from '@papyra/contracts'

/** What may be stated of a fact that the builders make. */
export interface FactOptions {
  /** Milliseconds since 1970. Default 2024-01-01T00:00:00Z. */
  readonly timestamp?: number
  /** The payload as raw JSON text on one line. Default `{}`. */
  readonly payload?: string
}

const DEFAULT_TIME = 1_704_067_200_000
const SYSTEM = '"system_id":"conformance"'

/** A well-formed event. */
export function eventFact(options: FactOptions = {}): AppendFact {
  return {
    kind: 'event',
    timestamp: options.timestamp ?? DEFAULT_TIME,
    members: `${SYSTEM},"actor_address":"conformance://orders","event_type":"order.placed","payload":${options.payload ?? '{}'}`,
  }
}

/** A well-formed dead letter. */
export function deadLetterFact(options: FactOptions = {}): AppendFact {
  return {
    kind: 'dead_letter',
    timestamp: options.timestamp ?? DEFAULT_TIME,
    members: `${SYSTEM},"target":"conformance://gone","message_type":"ship","payload":${options.payload ?? '{}'}`,
  }
}

/** A well-formed audit with this many actors. */
export function auditFact(options: { timestamp?: number; actors?: number } = {}): AppendFact {
  const actors = options.actors ?? 3
  return {
    kind: 'audit',
    timestamp: options.timestamp ?? DEFAULT_TIME,
    members: `${SYSTEM},"total_actors":${String(actors)},"alive_actors":${String(actors)},"stopping_actors":0,"restarting_actors":0,"registry_size":${String(actors)},"registry_orphans":[],"registry_dead":[],"dead_letters_count":0`,
  }
}

/** A well-formed fact of that kind; `n` makes it recognisable. */
export function factOf(kind: RecordKind, n: number, timestamp: number): AppendFact {
  if (kind === 'audit') return auditFact({ timestamp, actors: n })
  const payload = `{"n":${String(n)}}`
  return kind === 'event'
    ? eventFact({ timestamp, payload })
    : deadLetterFact({ timestamp, payload })
}

const CYCLE: readonly RecordKind[] = ['event', 'event', 'dead_letter', 'event', 'audit']

/** `count` facts of all kinds, one second apart; the last one is of `newest`. */
export function mixedFacts(count: number, newest: number): readonly AppendFact[] {
  return Array.from({ length: count }, (_, index) => {
    const kind = CYCLE[index % CYCLE.length] ?? 'event'
    return factOf(kind, index + 1, newest - (count - 1 - index) * 1000)
  })
}
