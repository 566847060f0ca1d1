/** A query with numbers as `{papyra.fact.dropped}`, and `SELECT` for the chosen stores. */
export interface Query {
  readonly expression: string
  readonly legend: string
}

export interface Panel {
  readonly title: string
  readonly description: string
  /** A unit of Grafana's, such as `bytes`. */
  readonly unit: string
  /** One number instead of a curve. */
  readonly stat?: boolean
  readonly queries: readonly Query[]
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

const STORE = '{{papyra_store_name}}'

const rate = (name: string): string => `rate({${name}}{SELECT}[$__rate_interval])`
const now = (name: string): string => `{${name}}{SELECT}`
const range = (name: string): string => `increase({${name}}{SELECT}[$__range])`

function curve(
  title: string,
  description: string,
  unit: string,
  queries: [string, string][],
): Panel {
  return {
    title,
    description,
    unit,
    queries: queries.map(([expression, legend]) => ({ expression, legend })),
  }
}

function figure(title: string, description: string, unit: string, expression: string): Panel {
  return { title, description, unit, stat: true, queries: [{ expression, legend: STORE }] }
}

/** The questions first, then what explains the answers. */
export const ROWS: readonly Row[] = [
  {
    title: 'The three questions',
    panels: [
      figure(
        'Facts dropped',
        'Is data being dropped? In the range of the dashboard, all reasons.',
        'short',
        `sum by (papyra_store_name) (${range('papyra.fact.dropped')})`,
      ),
      figure(
        'Since the last compaction',
        'Is compaction effective? How long ago one was completed; nothing if none ever was.',
        's',
        `time() - (${now('papyra.compaction.last_run.timestamp')} > 0)`,
      ),
      figure(
        'Recoveries',
        'Is recovery happening unexpectedly? In the range of the dashboard.',
        'short',
        range('papyra.recovery.runs'),
      ),
      figure(
        'Anomalies found',
        'By scans and recoveries of the owner, in the range of the dashboard.',
        'short',
        range('papyra.anomaly.detected'),
      ),
    ],
  },
  {
    title: 'Health',
    panels: [
      figure('Ready', '1 if the service is ready.', 'short', now('papyra.service.ready')),
      figure('Gate refused', '1 if the gate refused.', 'short', now('papyra.startup.refused')),
      figure(
        'Writer latched',
        '1 until the store is opened anew.',
        'short',
        now('papyra.write.latched'),
      ),
      figure('Records lost', 'Since the store was created.', 'short', now('papyra.record.lost')),
    ],
  },
  {
    title: 'Writing',
    panels: [
      curve('Records written', 'Acknowledged, a second.', 'wps', [
        [rate('papyra.record.written'), STORE],
      ]),
      curve('Facts dropped', 'A second, by reason.', 'wps', [
        [rate('papyra.fact.dropped'), `${STORE} {{papyra_drop_reason}}`],
      ]),
      curve('Facts waiting', 'In the intake of the service.', 'short', [
        [now('papyra.fact.waiting'), STORE],
      ]),
      curve('Write errors', 'Appends that the store did not take, a second.', 'wps', [
        [rate('papyra.record.write_errors'), STORE],
      ]),
      curve('Bytes written', 'As stored, a second.', 'Bps', [
        [rate('papyra.storage.written'), STORE],
      ]),
      curve('Unaccounted', 'At most so many facts of killed owners are in no account.', 'short', [
        [now('papyra.fact.unaccounted'), STORE],
        [now('papyra.owner.killed'), `${STORE} owners killed`],
      ]),
    ],
  },
  {
    title: 'Storage and compaction',
    panels: [
      curve('Size', 'Bytes of the log.', 'bytes', [[now('papyra.storage.usage'), STORE]]),
      curve('Records', 'In the store, hidden ones included.', 'short', [
        [now('papyra.record.stored'), STORE],
      ]),
      curve('Reclaimed', 'Bytes that compactions gave back.', 'bytes', [
        [`increase({papyra.compaction.reclaimed}{SELECT}[$__rate_interval])`, STORE],
      ]),
      curve('Deleted by retention', 'Records a second.', 'wps', [
        [rate('papyra.retention.dropped'), STORE],
      ]),
      curve('Runs', 'Compactions, scans and rotations.', 'short', [
        [`increase({papyra.compaction.runs}{SELECT}[$__rate_interval])`, `${STORE} compactions`],
        [`increase({papyra.scan.runs}{SELECT}[$__rate_interval])`, `${STORE} scans`],
        [`increase({papyra.segment.rotations}{SELECT}[$__rate_interval])`, `${STORE} rotations`],
      ]),
      curve('Failed', 'Compactions, scans, recoveries and rotations.', 'short', [
        [`increase({papyra.compaction.errors}{SELECT}[$__rate_interval])`, `${STORE} compactions`],
        [`increase({papyra.scan.errors}{SELECT}[$__rate_interval])`, `${STORE} scans`],
        [`increase({papyra.recovery.errors}{SELECT}[$__rate_interval])`, `${STORE} recoveries`],
        [
          `increase({papyra.segment.rotation_errors}{SELECT}[$__rate_interval])`,
          `${STORE} rotations`,
        ],
      ]),
    ],
  },
  {
    title: 'Consumer groups',
    panels: [
      curve('Pending', 'Delivered and not acknowledged.', 'short', [
        [now('papyra.group.pending'), `${STORE} {{papyra_group_name}}`],
      ]),
      curve('Lag', 'Not delivered yet; missing where nobody can tell.', 'short', [
        [now('papyra.group.lag'), `${STORE} {{papyra_group_name}}`],
      ]),
      curve(
        'Given up, abandoned',
        'Records kept aside; 1 for a group without a consumer.',
        'short',
        [
          [now('papyra.group.poison'), `${STORE} {{papyra_group_name}}`],
          [now('papyra.group.abandoned'), `${STORE} {{papyra_group_name}} abandoned`],
        ],
      ),
    ],
  },
]
