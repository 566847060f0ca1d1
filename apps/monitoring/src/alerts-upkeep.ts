import type { Alert } from './alert.js'

const STORE = '{{ $labels.papyra_store_name }}'

/** Is compaction effective? Are groups looked after? Does anybody get the numbers? */
export const UPKEEP_ALERTS: readonly Alert[] = [
  {
    name: 'PapyraCompactionOverdue',
    severity: 'warning',
    about: 'Is compaction effective?',
    expression: (d) => {
      const age = d('172800', '6')
      return [
        '{papyra.retention.bounded} == 1',
        `time() - {papyra.compaction.last_run.timestamp} > ${age}`,
        `time() - {papyra.store.created.timestamp} > ${age}`,
      ].join('\nand\n')
    },
    holds: ['1h', '1s'],
    summary: `${STORE} was not compacted for more than two days.`,
    meaning:
      'The store has a policy that limits what it keeps, and nothing has deleted by it for two days: the schedule stopped, runs fail, or there never was one.',
    steps: [
      'See the last runs and who asked for them: `papyra persistence inspect`.',
      'See what would go, then compact, beside the running service: `papyra persistence compact --dry-run`, `papyra persistence compact`.',
      'Have it done regularly: `compaction.every` in the configuration, or one of the [recipes](../../deploy/README.md).',
    ],
    clears: 'When a compaction has been completed, even one that had nothing to delete.',
  },
  {
    name: 'PapyraCompactionReclaimsNothing',
    severity: 'info',
    about: 'Is compaction effective?',
    expression: (d) => {
      const span = d('7d', '10s')
      return [
        `{papyra.storage.usage} > 2 * ({papyra.storage.usage} offset ${span})`,
        `time() - {papyra.compaction.last_run.timestamp} < ${d('604800', '10')}`,
        `increase({papyra.compaction.reclaimed}[${span}]) == 0`,
      ].join('\nand\n')
    },
    holds: ['1h', '1s'],
    summary: `${STORE} has more than doubled in a week, and compactions gave nothing back.`,
    meaning:
      'Compactions run and delete nothing while the store grows. Either it is young and below its limits, or the limits are too wide, or a consumer group holds everything back.',
    steps: [
      'See the policy, and what it would take: `papyra persistence inspect`, `papyra persistence compact --dry-run`.',
      'State narrower limits in the configuration, and compact: `papyra persistence compact`.',
      'On Redis, see whether a group holds records back: `papyra inspect groups`.',
    ],
    clears: 'When a compaction gave bytes back, or the store has not doubled in the last week.',
  },
  {
    name: 'PapyraMaintenanceErrors',
    severity: 'warning',
    about: 'Does maintenance succeed?',
    expression: (d) =>
      [
        '{papyra.compaction.errors}',
        '{papyra.scan.errors}',
        '{papyra.recovery.errors}',
        '{papyra.segment.rotation_errors}',
      ]
        .map((name) => `increase(${name}[${d('1h', '6s')}]) > 0`)
        .join('\nor\n'),
    summary: `Compactions, scans, recoveries or rotations of ${STORE} fail.`,
    meaning:
      'An operation failed or was refused. The store is as it was before: none of them leaves a store half done.',
    steps: [
      'See which: `papyra metrics persistence`.',
      'Run it by hand and read what it says: `papyra persistence compact --dry-run`, `papyra persistence scan`. `papyra explain CODE` says what to do.',
      'A compaction of a damaged store is refused: see [anomalies-found](anomalies-found.md). A full disk stops rotation and compaction: see [write-errors](write-errors.md).',
    ],
    clears: 'When none failed for an hour.',
  },
  {
    name: 'PapyraGroupAbandoned',
    severity: 'critical',
    about: 'Are groups looked after?',
    expression: () => '{papyra.group.abandoned} == 1',
    holds: ['5m', '1s'],
    summary: `Nobody consumes for the group {{ $labels.papyra_group_name }} of ${STORE}.`,
    meaning:
      'Records wait for the group, or are pending in it, and none of its consumers asked for more lately. Compaction keeps all that it has not handled.',
    steps: [
      'See its consumers and what they hold: `papyra inspect groups`.',
      'Start a consumer: it claims what dead ones left by itself.',
      'If the group is not wanted any more, remove it: `papyra inspect groups --help` names the commands.',
    ],
    clears: 'When a consumer of the group asks for records.',
  },
  {
    name: 'PapyraGroupPendingNotFalling',
    severity: 'warning',
    about: 'Are groups looked after?',
    expression: (d) => {
      const span = d('30m', '3s')
      return `min_over_time({papyra.group.pending}[${span}]) > 0\nand\n{papyra.group.pending} >= {papyra.group.pending} offset ${span}`
    },
    holds: ['15m', '1s'],
    summary: `{{ $value }} records are pending in {{ $labels.papyra_group_name }} of ${STORE}, and they do not get fewer.`,
    meaning:
      'Records were delivered and are not acknowledged: a consumer died with them, hangs, or fails again and again.',
    steps: [
      'See which consumer holds them, how long, and how often they were delivered: `papyra inspect groups`.',
      'A consumer that is alive claims what a dead one left; start one if there is none.',
    ],
    clears: 'When fewer records are pending than half an hour before.',
  },
  {
    name: 'PapyraMetricsGone',
    severity: 'critical',
    about: 'Does anybody get the numbers?',
    expression: (d) =>
      `last_over_time({papyra.record.written}[${d('1d', '1m')}])\nunless on (papyra_store_name, papyra_backend_name)\n{papyra.record.written}`,
    holds: ['10m', '1s'],
    summary: `${STORE} told its numbers within the last day, and does not now.`,
    meaning:
      'The service is down, is not scraped or does not export any more, or its store does not answer. Every other alert about this store is blind.',
    steps: [
      'See whether it runs and answers: `curl -s http://127.0.0.1:9464/livez`, `curl -s http://127.0.0.1:9464/readyz`.',
      'See whether it is scraped: `papyra metrics persistence` tells when its numbers were last scraped and exported; then the page *Targets* of Prometheus, with OpenTelemetry the log of the SDK and of the Collector.',
      'If the store was given up, the alert ends after a day; silence it until then.',
    ],
    clears: 'When the numbers are there again, or a day after they went.',
  },
  {
    name: 'PapyraNoMetrics',
    severity: 'warning',
    about: 'Does anybody get the numbers?',
    expression: () => 'absent({papyra.record.written})',
    holds: ['10m', '2s'],
    summary: 'No numbers of any Papyra store arrive.',
    meaning: 'No service exports, or all of them name their numbers in another spelling.',
    steps: [
      'See which names there are: the query `{__name__=~"papyra_.*"}`. Without units they need the other file of rules: see [alerts](alerts.md).',
      'See that a service answers: `curl -s http://127.0.0.1:9464/metrics`.',
      'See whether anybody reads: `papyra metrics persistence` tells when the numbers were last scraped and exported.',
    ],
    clears: 'When the numbers of one store are there.',
  },
]
