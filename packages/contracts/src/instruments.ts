import type { MetricDefinition } from './metrics.js'

/** What exporters need to know of a number. */
export interface InstrumentDefinition extends Omit<MetricDefinition, 'key'> {
  /** The attribute that tells its values apart, if it has several. */
  readonly attribute?: string
}

type Instruments<Key extends string> = { readonly [K in Key]: InstrumentDefinition }

const fact = (
  name: string,
  type: 'counter' | 'gauge',
  description: string,
): InstrumentDefinition => ({ name: `papyra.fact.${name}`, type, unit: '{fact}', description })

/** What became of the facts that all owners of a store were handed. */
export const FACT_INSTRUMENTS: Instruments<
  'offered' | 'written' | 'waiting' | 'dropped' | 'unaccounted'
> = {
  offered: fact('offered', 'counter', 'Facts handed in: written, waiting or dropped.'),
  written: fact('written', 'counter', 'Facts that were stored.'),
  waiting: fact('waiting', 'gauge', 'Facts that wait to be stored now.'),
  dropped: {
    ...fact('dropped', 'counter', 'Facts that were dropped, by reason.'),
    attribute: 'papyra.drop.reason',
  },
  unaccounted: fact(
    'unaccounted',
    'gauge',
    'At most so many facts of killed owners are neither written nor counted as dropped; absent where there is no bound.',
  ),
}

/** What a store has counted, by code; every code of the catalogues has a value. */
export const CODE_INSTRUMENTS: Instruments<'anomalies' | 'errors'> = {
  anomalies: {
    name: 'papyra.anomaly.by_code',
    type: 'counter',
    unit: '{anomaly}',
    description: 'The anomalies of papyra.anomaly.detected, by code.',
    attribute: 'papyra.anomaly.code',
  },
  errors: {
    name: 'papyra.error.by_code',
    type: 'counter',
    unit: '{error}',
    description: 'Errors of appends, scans, recoveries, compactions and rotations, by code.',
    attribute: 'error.type',
  },
}

/** How the owner of a store does. */
export const OWNER_INSTRUMENTS: Instruments<
  'killed' | 'writeFailing' | 'writeLatched' | 'retention' | 'metricsRead'
> = {
  killed: {
    name: 'papyra.owner.killed',
    type: 'counter',
    unit: '{owner}',
    description: 'Owners of the store that ended without closing it.',
  },
  writeFailing: {
    name: 'papyra.write.failing',
    type: 'gauge',
    unit: '{append}',
    description: 'Appends in a row that the store did not take; 0 if it took the last one.',
  },
  writeLatched: {
    name: 'papyra.write.latched',
    type: 'gauge',
    unit: '{store}',
    description: '1 if no append will succeed until the store is opened anew, else 0.',
  },
  retention: {
    name: 'papyra.retention.bounded',
    type: 'gauge',
    unit: '{store}',
    description: '1 if the policy that the owner recorded limits what is kept, else 0.',
  },
  metricsRead: {
    name: 'papyra.metrics.read.timestamp',
    type: 'gauge',
    unit: 's',
    description:
      'When the numbers were read before, in seconds since 1970; 0 if never. By `scrape` or `export`.',
    attribute: 'papyra.metrics.reader',
  },
}

/** When something was last done to a store; 0 if never. */
export const TIME_INSTRUMENTS: Instruments<'created' | 'compacted' | 'recovered' | 'verified'> = {
  created: {
    name: 'papyra.store.created.timestamp',
    type: 'gauge',
    unit: 's',
    description: 'When the store was created, in seconds since 1970; absent if that is not known.',
  },
  compacted: {
    name: 'papyra.compaction.last_run.timestamp',
    type: 'gauge',
    unit: 's',
    description: 'When a compaction was last completed, in seconds since 1970; 0 if never.',
  },
  recovered: {
    name: 'papyra.recovery.last_run.timestamp',
    type: 'gauge',
    unit: 's',
    description: 'When a recovery last changed the store, in seconds since 1970; 0 if never.',
  },
  verified: {
    name: 'papyra.scan.last_verified.timestamp',
    type: 'gauge',
    unit: 's',
    description:
      'When every byte was last verified by an owner, in seconds since 1970; 0 if never.',
  },
}

/** How a service that holds a store does; told over HTTP, where it can be told before there is a store. */
export const SERVICE_INSTRUMENTS: Instruments<
  'ready' | 'stopping' | 'answers' | 'refused' | 'startupDone' | 'startupSize' | 'startupTime'
> = {
  ready: {
    name: 'papyra.service.ready',
    type: 'gauge',
    unit: '{service}',
    description: '1 if the service is ready, else 0.',
  },
  stopping: {
    name: 'papyra.service.stopping',
    type: 'gauge',
    unit: '{service}',
    description: '1 once the service was told to stop, else 0.',
  },
  answers: {
    name: 'papyra.store.answers',
    type: 'gauge',
    unit: '{store}',
    description:
      '1 if the store told its own numbers for this answer, else 0 (they are missing then).',
  },
  refused: {
    name: 'papyra.startup.refused',
    type: 'gauge',
    unit: '{service}',
    description: '1 if the gate has refused, or the store could not be opened, else 0.',
  },
  startupDone: {
    name: 'papyra.startup.done',
    type: 'gauge',
    unit: 'By',
    description: 'Bytes that the gate has done in its phase.',
  },
  startupSize: {
    name: 'papyra.startup.size',
    type: 'gauge',
    unit: 'By',
    description: 'Bytes that the phase of the gate has.',
  },
  startupTime: {
    name: 'papyra.startup.time',
    type: 'gauge',
    unit: 's',
    description: 'How long the gate took, or takes by now.',
  },
}

const group = (name: string, unit: string, description: string): InstrumentDefinition => ({
  name: `papyra.group.${name}`,
  type: 'gauge',
  unit,
  description,
  attribute: 'papyra.group.name',
})

/** How the consumer groups of a store do. The attribute is kind and name, such as `event/billing`. */
export const GROUP_INSTRUMENTS: Instruments<'pending' | 'lag' | 'poison' | 'abandoned'> = {
  pending: group(
    'pending',
    '{record}',
    'Records that were delivered and are not acknowledged yet.',
  ),
  lag: group(
    'lag',
    '{record}',
    'Records that were not delivered yet; absent where nobody can tell.',
  ),
  poison: group('poison', '{record}', 'Records that the group gave up on and keeps aside.'),
  abandoned: group(
    'abandoned',
    '{group}',
    '1 if records wait or are pending and no consumer is alive, else 0.',
  ),
}
