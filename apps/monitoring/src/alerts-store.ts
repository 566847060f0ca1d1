import type { Alert } from './alert.js'

const STORE = '{{ $labels.papyra_store_name }}'

/** Is the store sound? Is recovery happening unexpectedly? */
export const STORE_ALERTS: readonly Alert[] = [
  {
    name: 'PapyraAnomaliesFound',
    severity: 'critical',
    about: 'Is the store sound?',
    expression: (d) => `increase({papyra.anomaly.detected}[${d('1h', '6s')}]) > 0`,
    summary: `A scan of ${STORE} found damage.`,
    meaning:
      'A scan or a scrub of the running service, or a recovery, found bytes that are not what was written. The service goes on; its next start will be refused.',
    steps: [
      'See what and where, beside the running service: `papyra persistence scan`. `papyra explain CODE` says what each anomaly means for the data.',
      'Keep a copy of the files before anything else.',
      'Stop the service, see what a recovery would do, then do it: `papyra persistence recover --mode repair --dry-run`, `papyra persistence recover --mode repair`. With `--mode quarantine --quarantine-dir DIR` the damaged originals are kept whole. If records are gone it asks for `--accept-loss`: look for a copy first.',
      'Start the service. Find out what changed the bytes: the disk, another program, a copy that was restored.',
    ],
    clears: 'An hour after the last scan that found damage.',
  },
  {
    name: 'PapyraRecovered',
    severity: 'warning',
    about: 'Is recovery happening unexpectedly?',
    expression: (d) => `time() - {papyra.recovery.last_run.timestamp} < ${d('3600', '10')}`,
    summary: `A recovery changed ${STORE} less than an hour ago.`,
    meaning:
      'A recovery mended the store, by hand or by a start in the mode `recover`. After a kill that is a torn last line and no loss. Without a kill it means that something damages the store.',
    steps: [
      'See what it took out and where that is kept: `papyra persistence inspect` shows the history and the losses.',
      'If nobody ordered it, look for what came before: a killed service, a full disk, a restored copy.',
    ],
    clears: 'An hour after the recovery.',
  },
  {
    name: 'PapyraRecordsLost',
    severity: 'critical',
    about: 'Is data gone?',
    expression: (d) =>
      `{papyra.record.lost} > 0\nand\ntime() - {papyra.recovery.last_run.timestamp} < ${d('86400', '10')}`,
    summary: `A recovery of ${STORE} recorded acknowledged records as lost; {{ $value }} in all.`,
    meaning:
      'Records that had been acknowledged are gone, and somebody consented to record that (`--accept-loss`). The losses stay on record with the store for ever.',
    steps: [
      'See which numbers are gone: `papyra persistence inspect` lists the losses.',
      'Look for them in a copy that was made before, or in what the recovery kept aside.',
      'Tell those who rely on them. Nothing will bring this alert back for these records.',
    ],
    clears: 'A day after the recovery.',
  },
  {
    name: 'PapyraGateRefused',
    severity: 'critical',
    about: 'Does the service start?',
    expression: () => '{papyra.startup.refused} == 1',
    summary: 'The startup gate of {{ $labels.instance }} refused its store.',
    meaning:
      'The service runs and does not work: the gate found damage, or the store could not be opened. Waiting does not mend it.',
    steps: [
      'Ask for the code: `curl -s http://127.0.0.1:9464/startupz`. `papyra explain CODE` says what it means.',
      'If it is `startup_refused`: stop the service, then `papyra persistence scan`, `papyra persistence recover --mode repair --dry-run`, `papyra persistence recover --mode repair`.',
      'See that it would start: `papyra persistence startup-check --mode fail_on_anomaly`. Then start it.',
    ],
    clears: 'When the service has been started on a store that the gate accepts.',
  },
  {
    name: 'PapyraNotReady',
    severity: 'warning',
    about: 'Does the service work?',
    expression: () =>
      '{papyra.service.ready} == 0\nand\n{papyra.service.stopping} == 0\nand\n{papyra.startup.refused} == 0',
    holds: ['15m', '2s'],
    summary: '{{ $labels.instance }} is not ready for work.',
    meaning:
      'The gate still verifies a large store, the store does not take writes, or it does not answer.',
    steps: [
      'Ask for the code: `curl -s http://127.0.0.1:9464/readyz`. `starting`: `curl -s "http://127.0.0.1:9464/startupz?verbose"` says how far the gate is and how long it will take.',
      '`not_answering`: a disk or a server that hangs. Any other: `papyra explain CODE`.',
    ],
    clears: 'When the service is ready, or is told to stop.',
  },
]
