import {
  SERVICE_INSTRUMENTS,
  measureGroups,
  measureOwner,
  measureStore,
  type Measured,
  type MeasuredStore,
} from '@papyra/contracts'
import type { Family } from './exposition.js'
import type { Health } from './health.js'
import { labelName } from './metric-names.js'

/** The labels that tell stores apart. */
export interface StoreNames {
  readonly storeName?: string | undefined
  readonly backendName?: string | undefined
}

/**
 * The families of a health: of the service itself, of the facts that it was handed, and of its store
 * and its consumer groups where they answer. Those of the service have only the labels that were
 * given: what the store says of itself is not known before the gate has passed, and a series whose
 * labels change then would be two.
 */
export async function collectFamilies(
  health: Health,
  names: StoreNames = {},
): Promise<readonly Family[]> {
  const readiness = await health.readiness()
  const store = await health.store()
  const groups = await health.groups()
  const { papyra } = health
  const known = {
    storeName: names.storeName ?? papyra?.systemId,
    backendName: names.backendName ?? papyra?.startupReport.backend,
  }
  return [
    ...labelled(serviceFamilies(health, readiness.ready, store !== null), names),
    ...labelled(
      [
        ...ownerFamilies(health),
        ...storeFamilies(store),
        ...(groups === null ? [] : measureGroups(groups).map(familyOf)),
      ],
      known,
    ),
  ]
}

function labelled(families: readonly Family[], { storeName, backendName }: StoreNames): Family[] {
  const common = {
    ...(storeName === undefined ? {} : { papyra_store_name: storeName }),
    ...(backendName === undefined ? {} : { papyra_backend_name: backendName }),
  }
  return families.map((family) => ({
    ...family,
    samples: family.samples.map(({ labels, value }) => ({
      value,
      labels: { ...common, ...labels },
    })),
  }))
}

function serviceFamilies(health: Health, ready: boolean, answers: boolean): Family[] {
  const { doneBytes, totalBytes, elapsedSeconds, state } = health.startupStatus()
  const values = {
    ready: Number(ready),
    stopping: Number(state === 'stopping'),
    answers: Number(answers),
    refused: Number(state === 'refused'),
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
