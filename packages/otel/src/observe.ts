import {
  ValueType,
  type Attributes,
  type BatchObservableResult,
  type Meter,
  type Observable,
} from '@opentelemetry/api'
import {
  CODE_INSTRUMENTS,
  FACT_INSTRUMENTS,
  GROUP_INSTRUMENTS,
  METRIC_DEFINITIONS,
  OWNER_INSTRUMENTS,
  TIME_INSTRUMENTS,
  measureGroups,
  measureOwner,
  measureStore,
  type InstrumentDefinition,
  type Measured,
  type MeasuredGroup,
  type MeasuredOwner,
  type MeasuredStore,
  type SingleFlight,
} from '@papyra/contracts'

export interface Observed {
  readonly store: MeasuredOwner & { noteMetricsRead(reader: 'export'): void }
  readonly snapshots: SingleFlight<MeasuredStore>
  readonly groups: SingleFlight<readonly MeasuredGroup[]> | null
  /** On every value. */
  readonly attributes: Attributes
}

const DEFINITIONS: readonly InstrumentDefinition[] = [
  ...METRIC_DEFINITIONS,
  ...Object.values(CODE_INSTRUMENTS),
  ...Object.values(FACT_INSTRUMENTS),
  ...Object.values(OWNER_INSTRUMENTS),
  ...Object.values(TIME_INSTRUMENTS),
]

/** Levels that add up over stores, such as bytes; others, such as times, do not. */
const ADDS_UP = /^(By|\{(record|fact|append|store|group)\})$/

/** Has one callback tell all values at each collection; gives the way to stop that. */
export function observeStore(
  meter: Meter,
  { store, snapshots, groups, attributes }: Observed,
): () => void {
  const definitions =
    groups === null ? DEFINITIONS : [...DEFINITIONS, ...Object.values(GROUP_INSTRUMENTS)]
  const instruments = new Map(
    definitions.map((definition) => [definition.name, instrument(meter, definition)]),
  )
  const observe = async (result: BatchObservableResult): Promise<void> => {
    // At one moment, so that they add up: the store's are older or as old.
    const [asked, listed] = await Promise.all([snapshots.ask(), groups?.ask()])
    const measured = [
      ...measureOwner(store),
      ...(asked.value === null ? [] : measureStore(asked.value)),
      ...measureGroups(listed?.value ?? []),
    ]
    store.noteMetricsRead('export')
    for (const { definition, values } of measured) {
      const observable = instruments.get(definition.name)
      if (observable === undefined) continue
      for (const value of valuesOf({ definition, values }, attributes)) {
        result.observe(observable, value.value, value.attributes)
      }
    }
  }
  const all = [...instruments.values()]
  meter.addBatchObservableCallback(observe, all)
  return () => meter.removeBatchObservableCallback(observe, all)
}

function instrument(
  meter: Meter,
  { name, type, unit, description }: InstrumentDefinition,
): Observable {
  const valueType = unit === 's' ? ValueType.DOUBLE : ValueType.INT
  const options = { unit, description, valueType }
  if (type === 'counter') return meter.createObservableCounter(name, options)
  return ADDS_UP.test(unit)
    ? meter.createObservableUpDownCounter(name, options)
    : meter.createObservableGauge(name, options)
}

function* valuesOf(
  { definition, values }: Measured,
  common: Attributes,
): Generator<{ readonly value: number; readonly attributes: Attributes }> {
  for (const { value, attribute } of values) {
    const own = definition.attribute
    const attributes =
      own === undefined || attribute === undefined ? common : { ...common, [own]: attribute }
    yield { value, attributes }
  }
}
