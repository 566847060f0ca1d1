import type { GroupDescription, PendingSample } from '@papyra/contracts'
import type { Store } from '../store.js'
import { describeGroup, keptFields, rawGroups } from './describe.js'
import type { GroupStore } from './group-store.js'
import { fieldsOf } from './names.js'

/** How many samples of a group are kept. */
const MOST = 32
/** One that says the same as the last is taken only after so long, in ms. */
const EVERY_MS = 60_000

/** Records how much is pending now, unless it was said just now; gives the group with its samples. */
export async function sampled(
  store: Store,
  group: GroupDescription,
  now: number,
): Promise<GroupDescription> {
  const { kind, group: name, pending, lag, samples } = group
  const last = samples.at(-1)
  const sample: PendingSample = { at: now, pending, lag: lag.records }
  const same = last?.pending === pending && last.lag === lag.records
  if (last !== undefined && same && now - last.at < EVERY_MS) return group
  const more = [...samples, sample].slice(-MOST)
  const words = ['set', `${fieldsOf(kind, name)}:samples`, JSON.stringify(more)]
  await store.maintain(null, [], words)
  return { ...group, samples: more }
}

/** The same for a group whose consumer looks after it now and then. */
export async function sampleGroup({ store, kind, group }: GroupStore): Promise<void> {
  const { kinds } = await store.meta()
  const state = kinds.find((one) => one.kind === kind)
  const raw = (await rawGroups(store, kind)).find((one) => one.group === group)
  if (state === undefined || raw === undefined) return
  const now = store.clock.now()
  const kept = await keptFields(store, kind, group)
  await sampled(store, describeGroup(state, raw, kept, now), now)
}
