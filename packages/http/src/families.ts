import { METRIC_DEFINITIONS, type MetricsSnapshot } from '@papyra/contracts'
import type { Family } from './exposition.js'
import type { Health } from './health.js'

/** The families of a health: of the service itself, of its intake, and of its store where it answers. */
export async function collectFamilies(health: Health): Promise<readonly Family[]> {
  const readiness = await health.readiness()
  const snapshot = await health.metrics()
  return [
    ...serviceFamilies(health, readiness.ready, snapshot !== null),
    ...intakeFamilies(health),
    ...storeFamilies(snapshot),
  ]
}

/** The labels of every sample. */
export function commonLabels(health: Health, store: string | undefined): Record<string, string> {
  const { papyra } = health
  const name = store ?? papyra?.systemId
  return {
    ...(name === undefined ? {} : { papyra_store_name: name }),
    ...(papyra === null ? {} : { papyra_backend_name: papyra.startupReport.backend }),
  }
}

function serviceFamilies(health: Health, ready: boolean, answers: boolean): Family[] {
  const { doneBytes, totalBytes, elapsedSeconds, state } = health.startupStatus()
  return [
    gauge('papyra.service.ready', '{service}', '1 if the service is ready, else 0.', Number(ready)),
    gauge(
      'papyra.service.stopping',
      '{service}',
      '1 once the service was told to stop, else 0.',
      Number(state === 'stopping'),
    ),
    gauge(
      'papyra.store.answers',
      '{store}',
      '1 if the store told its own numbers for this answer, else 0 (they are missing then).',
      Number(answers),
    ),
    gauge('papyra.startup.done', 'By', 'Bytes that the gate has done in its phase.', doneBytes),
    gauge('papyra.startup.size', 'By', 'Bytes that the phase of the gate has.', totalBytes),
    gauge('papyra.startup.time', 's', 'How long the gate took, or takes by now.', elapsedSeconds),
  ]
}

function intakeFamilies({ papyra }: Health): Family[] {
  if (papyra === null) return []
  const { accepted, written, waiting, dropped } = papyra.intake.stats()
  return [
    counter('papyra.intake.accepted', 'Facts that the intake of this process accepted.', accepted),
    counter('papyra.intake.written', 'Facts of the intake that are stored.', written),
    gauge('papyra.intake.waiting', '{record}', 'Facts that wait in the intake now.', waiting),
    {
      ...counter('papyra.intake.dropped', 'Facts that the intake dropped, by reason.', 0),
      samples: Object.entries(dropped).map(([reason, value]) => ({ labels: { reason }, value })),
    },
  ]
}

function storeFamilies(snapshot: MetricsSnapshot | null): Family[] {
  if (snapshot === null) return []
  return METRIC_DEFINITIONS.map(({ key, name, type, unit, description }) => ({
    name,
    type,
    unit,
    description,
    samples: [{ value: snapshot.totals[key] }],
  }))
}

function gauge(name: string, unit: string, description: string, value: number): Family {
  return { name, type: 'gauge', unit, description, samples: [{ value }] }
}

function counter(name: string, description: string, value: number): Family {
  return { name, type: 'counter', unit: '{record}', description, samples: [{ value }] }
}
