import { METRICS_READERS, type MetricsReadAt } from './accounts.js'
import { ANOMALY_CODES } from './anomalies.js'
import { ERROR_CODES, FINAL_WRITE_ERRORS } from './error-codes.js'
import type { GroupDescription } from './groups.js'
import {
  CODE_INSTRUMENTS,
  FACT_INSTRUMENTS,
  GROUP_INSTRUMENTS,
  OWNER_INSTRUMENTS,
  TIME_INSTRUMENTS,
  type InstrumentDefinition,
} from './instruments.js'
import type { MetricsSnapshot } from './metrics.js'
import { METRIC_DEFINITIONS } from './metrics.js'
import type { RetentionPolicy } from './policy.js'
import type { HistoryEntry } from './reports.js'

/** One value of a number. */
export interface Measurement {
  readonly value: number
  /** What the attribute of its definition says. */
  readonly attribute?: string
}

/** A number with all its values. */
export interface Measured {
  readonly definition: InstrumentDefinition
  readonly values: readonly Measurement[]
}

const one = (definition: InstrumentDefinition, value: number): Measured => ({
  definition,
  values: [{ value }],
})

/** What is looked at of `StoreDescription`. */
export interface MeasuredStore {
  readonly metrics: MetricsSnapshot
  readonly history: readonly HistoryEntry[]
  readonly verifiedAt: number | null
  readonly retention: RetentionPolicy | null
}

/** The numbers that a store keeps of itself. */
export function measureStore(store: MeasuredStore): Measured[] {
  const { metrics, history, verifiedAt, retention } = store
  const last = (what: HistoryEntry['what']): number =>
    (history.findLast((entry) => entry.what === what)?.at ?? 0) / 1000
  return [
    ...METRIC_DEFINITIONS.map(({ key, ...definition }) => one(definition, metrics.totals[key])),
    {
      definition: TIME_INSTRUMENTS.created,
      values: metrics.createdAt === null ? [] : [{ value: metrics.createdAt / 1000 }],
    },
    one(TIME_INSTRUMENTS.compacted, last('compaction')),
    one(TIME_INSTRUMENTS.recovered, last('recovery')),
    one(TIME_INSTRUMENTS.verified, (verifiedAt ?? 0) / 1000),
    one(OWNER_INSTRUMENTS.retention, Number(retention !== null)),
    ...measureCodes(metrics),
  ]
}

function measureCodes({ byCode }: MetricsSnapshot): Measured[] {
  const each = (
    definition: InstrumentDefinition,
    codes: object,
    counts: { readonly [code: string]: number },
  ): Measured => ({
    definition,
    values: Object.keys(codes).map((code) => ({ attribute: code, value: counts[code] ?? 0 })),
  })
  if (byCode === undefined) return []
  return [
    each(CODE_INSTRUMENTS.anomalies, ANOMALY_CODES, byCode.anomalies),
    each(CODE_INSTRUMENTS.errors, ERROR_CODES, byCode.errors),
  ]
}

/** What is looked at of an open store. */
export interface MeasuredOwner {
  readonly accounts: {
    readonly offered: number
    readonly written: number
    readonly waiting: number
    readonly dropped: { readonly [reason: string]: number }
    readonly unaccounted: { readonly runs: number; readonly atMost: number | null }
  }
  readonly writeFailure: { readonly code: string; readonly appends: number } | null
  readonly metricsReadAt: MetricsReadAt
}

/** The numbers that an owner knows without asking the store. */
export function measureOwner({ accounts, writeFailure, metricsReadAt }: MeasuredOwner): Measured[] {
  const { offered, written, waiting, dropped, unaccounted } = accounts
  const { atMost, runs } = unaccounted
  return [
    one(FACT_INSTRUMENTS.offered, offered),
    one(FACT_INSTRUMENTS.written, written),
    one(FACT_INSTRUMENTS.waiting, waiting),
    {
      definition: FACT_INSTRUMENTS.dropped,
      values: Object.entries(dropped).map(([attribute, value]) => ({ attribute, value })),
    },
    {
      definition: FACT_INSTRUMENTS.unaccounted,
      values: atMost === null ? [] : [{ value: atMost }],
    },
    one(OWNER_INSTRUMENTS.killed, runs),
    one(OWNER_INSTRUMENTS.writeFailing, writeFailure?.appends ?? 0),
    one(OWNER_INSTRUMENTS.writeLatched, Number(FINAL_WRITE_ERRORS.has(writeFailure?.code ?? ''))),
    {
      definition: OWNER_INSTRUMENTS.metricsRead,
      values: METRICS_READERS.map((attribute) => ({
        attribute,
        value: (metricsReadAt[attribute] ?? 0) / 1000,
      })),
    },
  ]
}

/** What is looked at of a consumer group. */
export type MeasuredGroup = Pick<
  GroupDescription,
  'kind' | 'group' | 'pending' | 'lag' | 'poison' | 'abandoned'
>

/** The numbers of consumer groups. */
export function measureGroups(groups: readonly MeasuredGroup[]): Measured[] {
  const of = (
    definition: InstrumentDefinition,
    valueIn: (group: MeasuredGroup) => number | null,
  ): Measured => ({
    definition,
    values: groups.flatMap((one) => {
      const value = valueIn(one)
      return value === null ? [] : [{ attribute: `${one.kind}/${one.group}`, value }]
    }),
  })
  return [
    of(GROUP_INSTRUMENTS.pending, ({ pending }) => pending),
    of(GROUP_INSTRUMENTS.lag, ({ lag }) => lag.records),
    of(GROUP_INSTRUMENTS.poison, ({ poison }) => poison),
    of(GROUP_INSTRUMENTS.abandoned, ({ abandoned }) => Number(abandoned)),
  ]
}
