/** The kinds that this version writes, in the order in which the scripts are given their streams. */
export const KINDS = ['event', 'audit', 'dead_letter'] as const

const SUFFIXES: Readonly<Record<string, string>> = {
  event: 'events',
  audit: 'audits',
  dead_letter: 'dead_letters',
}

/** The keys of one store: one hash tag, so one slot of a Cluster. */
export interface Keys {
  /** `{prefix:system}`, with which every key of the store begins. */
  readonly tag: string
  readonly meta: string
  readonly writers: string
  readonly aside: string
  /** The stream of a kind; kinds of later versions have streams of their own name. */
  stream(kind: string): string
  /** The streams of `KINDS`. */
  readonly streams: readonly string[]
}

export function keysOf(prefix: string, system: string): Keys {
  const tag = `{${prefix}:${system}}`
  const stream = (kind: string): string => `${tag}:${SUFFIXES[kind] ?? kind}`
  return {
    tag,
    meta: `${tag}:meta`,
    writers: `${tag}:writers`,
    aside: `${tag}:aside`,
    stream,
    streams: KINDS.map(stream),
  }
}
