import type { Meter } from './meter.js'

/** Drops records whose usable time is before `before`. */
export interface AgeStep {
  readonly reason: 'age'
  readonly limit: string
  readonly wanted: number
  readonly before: number
}

/** Keeps the newest records that fit into a meter. */
export interface SizeStep {
  readonly reason: 'count' | 'bytes'
  readonly limit: string
  readonly wanted: number
  readonly meter: Meter
}

/** Takes nothing from this kind, but lets its records count against a limit of the whole log. */
export interface TallyStep {
  readonly reason: 'tally'
  readonly unit: 'count' | 'bytes'
  readonly meter: Meter
}

export type DroppingStep = AgeStep | SizeStep

export type Step = DroppingStep | TallyStep

/** The meters of the log-wide limits, where the policy has them. */
export interface WideMeters {
  readonly count: Meter | null
  readonly bytes: Meter | null
}
