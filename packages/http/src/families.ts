import {
  SERVICE_INSTRUMENTS,
  measureOwner,
  measureStore,
  type Measured,
  type MeasuredStore,
} from '@papyra/contracts'
import type { Family } from './exposition.js'
import type { Health } from './health.js'
import { labelName } from './metric-names.js'

/** The families of a health: of the service itself, of the facts that it was handed, and of its store where it answers. */
export async function collectFamilies(health: Health): Promise<readonly Family[]> {
  const readiness = await health.readiness()
  const store = await health.store()
  return [
    ...serviceFamilies(health, readiness.ready, store !== null),
    ...ownerFamilies(health),
    ...storeFamilies(store),
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
  const values = {
    ready: Number(ready),
    stopping: Number(state === 'stopping'),
    answers: Number(answers),
    startupDone: doneBytes,
    startupSize: totalBytes,
    startupTime: elapsedSeconds,
  }
  return (Object.keys(values) as (keyof typeof values)[]).map((key) =>
    familyOf({ definition: SERVICE_INSTRUMENTS[key], values: [{ value: values[key] }] }),
  )
}

function ownerFamilies({ papyra }: Health): Family[] {
  return papyra === null ? [] : measureOwner(papyra).map(familyOf)
}

function storeFamilies(store: MeasuredStore | null): Family[] {
  return store === null ? [] : measureStore(store).map(familyOf)
}

function familyOf({ definition, values }: Measured): Family {
  const { name, type, unit, description, attribute: own } = definition
  const samples = values.map(({ value, attribute }) =>
    own === undefined || attribute === undefined
      ? { value }
      : { value, labels: { [labelName(own)]: attribute } },
  )
  return { name, type, unit, description, samples }
}
