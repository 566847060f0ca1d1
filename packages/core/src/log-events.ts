/** What is told of an act, by the name of its event. Codes, numbers and names: never what a fact holds. */
export interface LogEvents {
  readonly 'papyra.gate.passed': {
    readonly mode: string
    readonly coverage: string | null
    readonly anomalies: number
    readonly durationMs: number
  }
  readonly 'papyra.gate.refused': {
    readonly code: string
    readonly mode: string
    readonly anomalyCounts: CountsByCode
  }
  readonly 'papyra.scan.clean': ScanFields
  readonly 'papyra.scan.anomalies_found': ScanFields & { readonly anomalyCounts: CountsByCode }
  readonly 'papyra.scan.failed': { readonly code: string }
  readonly 'papyra.recovery.completed': {
    readonly mode: string
    readonly changed: boolean
    readonly anomalyCounts: CountsByCode
    readonly bytesSetAside: number
    readonly durationMs: number
  }
  readonly 'papyra.recovery.failed': { readonly code: string }
  readonly 'papyra.records.lost': {
    readonly code: string
    readonly records: number
    readonly fromSeq: number | null
    readonly toSeq: number | null
  }
  readonly 'papyra.compaction.completed': {
    readonly changed: boolean
    readonly recordsRemoved: number
    readonly bytesReclaimed: number
    readonly durationMs: number
  }
  readonly 'papyra.compaction.failed': { readonly code: string }
  readonly 'papyra.facts.dropped': { readonly reason: string; readonly facts: number }
  readonly 'papyra.write.failing': { readonly code: string }
  readonly 'papyra.write.recovered': { readonly code: string; readonly appends: number }
  readonly 'papyra.writer.latched': { readonly code: string }
  readonly 'papyra.owner.killed': { readonly owners: number; readonly factsAtMost: number | null }
  readonly 'papyra.store.open_failed': { readonly code: string }
  readonly 'papyra.store.closed': {
    readonly factsOffered: number
    readonly factsWritten: number
    readonly factsDropped: number
  }
  readonly 'papyra.store.close_failed': { readonly code: string }
}

/** How many there are of each code. */
type CountsByCode = { readonly [code: string]: number }

interface ScanFields {
  readonly coverage: string
  readonly records: number | null
  readonly bytes: number
  readonly durationMs: number
}

export type LogEventName = keyof LogEvents

export interface LogEventDefinition<Field extends string = string> {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  /** When it is told, one sentence. */
  readonly when: string
  readonly fields: { readonly [Name in Field]: string }
}

const CODE = { code: 'Why: the code of an error.' }
const MODE = { mode: 'The mode of the gate.' }
const DURATION = { durationMs: 'How long it took, in ms.' }
const COUNTS = { anomalyCounts: 'How many anomalies of each code.' }
const SCAN = {
  coverage: 'What was verified: `full`, `quick` or `structure`.',
  records: 'Sound records; null if not counted.',
  bytes: 'Bytes of the store.',
  ...DURATION,
}

/** Every line that is told of a store. Names and fields are stable. */
export const LOG_EVENTS: {
  readonly [Name in LogEventName]: LogEventDefinition<keyof LogEvents[Name] & string>
} = {
  'papyra.gate.passed': {
    level: 'info',
    message: 'the startup gate has passed',
    when: 'The gate let a service or a command start on the store.',
    fields: {
      ...MODE,
      coverage: 'What its last scan verified; null if it looked at nothing.',
      anomalies: 'Anomalies that its last scan found.',
      ...DURATION,
    },
  },
  'papyra.gate.refused': {
    level: 'error',
    message: 'the startup gate has refused',
    when: 'The gate said no, was stopped, or the store could not be opened.',
    fields: { ...CODE, ...MODE, ...COUNTS },
  },
  'papyra.scan.clean': {
    level: 'info',
    message: 'a scan found no damage',
    when: 'A scan ended and found nothing.',
    fields: SCAN,
  },
  'papyra.scan.anomalies_found': {
    level: 'error',
    message: 'a scan found damage',
    when: 'A scan ended and found anomalies.',
    fields: { ...SCAN, ...COUNTS },
  },
  'papyra.scan.failed': {
    level: 'error',
    message: 'a scan could not be completed',
    when: 'A scan failed or was stopped.',
    fields: CODE,
  },
  'papyra.recovery.completed': {
    level: 'warn',
    message: 'a recovery is done',
    when: 'A recovery ended, by the gate or by a command. Dry runs are not told.',
    fields: {
      mode: 'The mode of the recovery.',
      changed: 'False if there was nothing to do.',
      ...COUNTS,
      bytesSetAside: 'Bytes that were taken out and kept aside.',
      ...DURATION,
    },
  },
  'papyra.recovery.failed': {
    level: 'error',
    message: 'a recovery was refused or failed',
    when: 'A recovery failed, or asks for consent.',
    fields: CODE,
  },
  'papyra.records.lost': {
    level: 'error',
    message: 'records were recorded as lost',
    when: 'A recovery recorded a loss: one line for each.',
    fields: {
      code: 'The code of the anomaly.',
      records: 'How many records.',
      fromSeq: 'The first number that is missing; null where only their count is known.',
      toSeq: 'The last of them, likewise.',
    },
  },
  'papyra.compaction.completed': {
    level: 'info',
    message: 'a compaction is done',
    when: 'A compaction ended, scheduled or asked for. Dry runs are not told.',
    fields: {
      changed: 'False if there was nothing to remove.',
      recordsRemoved: 'Records that were deleted.',
      bytesReclaimed: 'Bytes that were given back.',
      ...DURATION,
    },
  },
  'papyra.compaction.failed': {
    level: 'error',
    message: 'a compaction was refused or failed',
    when: 'A compaction failed, was refused or was stopped; the store is as it was.',
    fields: CODE,
  },
  'papyra.facts.dropped': {
    level: 'error',
    message: 'facts were dropped',
    when: 'The intake dropped facts: at once, and then at most every 10 s for each reason, added up; the rest at closing.',
    fields: { reason: 'The reason.', facts: 'How many since the last such line.' },
  },
  'papyra.write.failing': {
    level: 'warn',
    message: 'the store takes no appends',
    when: 'The first append that the store did not take after it had taken one.',
    fields: CODE,
  },
  'papyra.write.recovered': {
    level: 'info',
    message: 'the store takes appends again',
    when: 'The first append that the store took after it had not.',
    fields: { code: 'Why the last of them failed.', appends: 'How many failed in a row.' },
  },
  'papyra.writer.latched': {
    level: 'error',
    message: 'the store takes no more appends until it is opened anew',
    when: 'An append failed in such a way that no later one will succeed; told once.',
    fields: CODE,
  },
  'papyra.owner.killed': {
    level: 'warn',
    message: 'the owner before did not close the store',
    when: 'An owner takes up a store whose last one was killed.',
    fields: {
      owners: 'How many owners of the store ended so, all in all.',
      factsAtMost: 'At most so many facts of theirs are unaccounted; null where there is no bound.',
    },
  },
  'papyra.store.open_failed': {
    level: 'error',
    message: 'the store could not be taken into use',
    when: 'The gate has passed, and the store could not be made ready for appends all the same.',
    fields: CODE,
  },
  'papyra.store.closed': {
    level: 'info',
    message: 'the store is closed',
    when: 'Everything that was accepted is stored, and the store was let go.',
    fields: {
      factsOffered: 'Facts that this owner was handed.',
      factsWritten: 'Facts of these that were stored.',
      factsDropped: 'Facts of these that were dropped.',
    },
  },
  'papyra.store.close_failed': {
    level: 'error',
    message: 'the store could not be closed cleanly',
    when: 'Closing failed; what was acknowledged is stored.',
    fields: CODE,
  },
}
