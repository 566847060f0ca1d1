/** Gives the shipped duration, or the short one of the copies that tests wait for. */
export type Durations = (shipped: string, quick: string) => string

export const SHIPPED: Durations = (shipped) => shipped
export const QUICK: Durations = (_, quick) => quick

/** An alert, and what to do about it. */
export interface Alert {
  readonly name: string
  /** `critical` wakes somebody; `warning` waits for the morning; `info` is worth knowing. */
  readonly severity: 'critical' | 'warning' | 'info'
  /** The question that it answers, or what it watches. */
  readonly about: string
  /** PromQL with numbers as `{papyra.fact.dropped}`. */
  readonly expression: (d: Durations) => string
  /** How long it has to hold before it fires. Default: not at all. */
  readonly holds?: readonly [shipped: string, quick: string]
  /** One line, with the labels of Prometheus' templates. */
  readonly summary: string
  /** What it means, for the page. */
  readonly meaning: string
  /** What to do, first things first; commands in backquotes. */
  readonly steps: readonly string[]
  /** When it goes away. */
  readonly clears: string
}

/** The file name of its page: `PapyraFactsDropped` is `facts-dropped`. */
export function slug({ name }: Pick<Alert, 'name'>): string {
  return name
    .replace(/^Papyra/, '')
    .replace(/(?<!^)([A-Z])/g, '-$1')
    .toLowerCase()
}
