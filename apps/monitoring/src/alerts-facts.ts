import type { Alert } from './alert.js'

const STORE = '{{ $labels.papyra_store_name }}'

/** Is data being dropped? Do writes succeed? */
export const FACT_ALERTS: readonly Alert[] = [
  {
    name: 'PapyraFactsDropped',
    severity: 'critical',
    about: 'Is data being dropped?',
    expression: (d) => `increase({papyra.fact.dropped}[${d('10m', '6s')}]) > 0`,
    summary: `${STORE} drops facts: {{ $labels.papyra_drop_reason }}.`,
    meaning:
      'The service handed facts to the store that are not in it and will not be: nobody was told but this counter and the hook `onDrop`. The label `papyra_drop_reason` says why.',
    steps: [
      'See how many, and of which reason, over all owners of the store: `papyra metrics persistence`.',
      '`full`: facts come faster than the store takes them. See [facts-waiting](facts-waiting.md); raise `intake.capacity` only if bursts are the cause.',
      '`store_failed`: the store refuses appends. See [write-errors](write-errors.md).',
      '`invalid`, `too_large`: the service hands in what is no fact, or one that is too large. Look at what `onDrop` was told.',
      '`closed`: something hands in facts after the store was told to close. Stop it before, in `stopWork` of the shutdown.',
    ],
    clears: 'When none was dropped for ten minutes. What was dropped stays counted.',
  },
  {
    name: 'PapyraWriteErrors',
    severity: 'critical',
    about: 'Do writes succeed?',
    expression: (d) =>
      `increase({papyra.record.write_errors}[${d('5m', '5s')}]) > 0\nor\n{papyra.write.failing} > 0`,
    summary: `${STORE} refuses appends.`,
    meaning:
      'The store did not take appends: the disk is full, a limit was met, the server does not answer, or a fact was too large. What was acknowledged before is not in danger.',
    steps: [
      'Ask the service for the code: `curl -s http://127.0.0.1:9464/readyz`. `papyra explain CODE` says what it means.',
      'See whether the disk is full: `df -h` on the folder of the store. Make room; `papyra persistence compact` deletes what retention hides, and needs room for what it keeps.',
      'Nothing has to be restarted: the next append that succeeds ends it. If it is `writer_latched`, see [writer-latched](writer-latched.md).',
    ],
    clears: 'When an append has succeeded and none has failed for five minutes.',
  },
  {
    name: 'PapyraWriterLatched',
    severity: 'critical',
    about: 'Do writes succeed?',
    expression: () => '{papyra.write.latched} == 1',
    summary: `${STORE} takes no more appends until it is opened anew.`,
    meaning:
      'A sync failed, or the store was replaced under its owner. What became of the last appends is not known, so no later one is taken: anything else could acknowledge what is not on the disk.',
    steps: [
      'See why: `curl -s http://127.0.0.1:9464/readyz`, and the log of the kernel for errors of the device.',
      'Mend the disk or the server first. A device that failed a sync once is not to be trusted.',
      'Restart the service: the gate verifies every byte. If it refuses, see [gate-refused](gate-refused.md).',
    ],
    clears: 'When the service has opened the store anew.',
  },
  {
    name: 'PapyraFactsWaiting',
    severity: 'warning',
    about: 'Does what waits get written?',
    expression: (d) => {
      const span = d('10m', '3s')
      return `min_over_time({papyra.fact.waiting}[${span}]) > 0\nand\n{papyra.fact.waiting} >= {papyra.fact.waiting} offset ${span}`
    },
    holds: ['5m', '1s'],
    summary: `{{ $value }} facts wait for ${STORE}, and they do not get fewer.`,
    meaning:
      'The intake of the service was never empty for ten minutes and holds no less than before: the store is slower than what comes, or hangs. When it is full, facts are dropped.',
    steps: [
      'See whether the store answers: `curl -s http://127.0.0.1:9464/readyz`; `not_answering` is a disk or a server that hangs.',
      'See who else uses the disk: `iostat -x 1`. A compaction or a scrub can be slowed down with `throttle.bytesPerSecond`.',
      'If it is simply too much: `ack: flushed` syncs less often, at the price that [durability](../durability.md) names.',
    ],
    clears: 'When fewer facts wait than ten minutes before, or none.',
  },
  {
    name: 'PapyraOwnerKilled',
    severity: 'info',
    about: 'Do services end in order?',
    expression: (d) => `increase({papyra.owner.killed}[${d('1h', '10s')}]) > 0`,
    summary: `An owner of ${STORE} ended without closing it.`,
    meaning:
      'The process was killed, or the machine went down. Nothing acknowledged is lost by that; facts that waited in the intake are, and `papyra_fact_unaccounted` says how many they are at most.',
    steps: [
      'See how many facts are unaccounted for: `papyra metrics persistence`.',
      'See why it ended: out of memory (`dmesg`), a deadline of the orchestrator that is shorter than that of the shutdown, `kill -9`.',
      'Let it end by SIGTERM with `gracefulShutdown` of @papyra/http: see [health over HTTP](../http.md).',
    ],
    clears: 'After an hour.',
  },
]
