import { crc32 } from 'node:zlib'
import {
  PapyraError,
  type GroupAct,
  type GroupActReport,
  type GroupPlan,
  type PendingRecord,
} from '@papyra/contracts'
import { list, text } from '../entry.js'
import { allGroups, describeGroup, type RawGroup } from './describe.js'
import type { GroupStore } from './group-store.js'
import { checkName, refuse } from './names.js'
import { encodeGroupPlan, type GroupPlanKey } from './plan-id.js'
import { pendingRecords } from './pending.js'
import { give, leave } from './removal.js'
import { actScript } from './scripts.js'

const LISTED = 1000

/** A group, and what an act would touch of what is pending in it. */
interface Seen {
  readonly raw: RawGroup
  readonly pending: readonly PendingRecord[]
}

export async function planAct(group: GroupStore, act: GroupAct): Promise<GroupPlan> {
  checkAct(act)
  const { raw, pending } = await see(group, act)
  const at = group.store.clock.now()
  const key = keyOf(group, act, { raw, pending }, at)
  const moved = await movedBy(group, act, raw)
  return {
    ...{ id: encodeGroupPlan(key), act, at, ...moved },
    pending: pending.slice(0, LISTED),
    pendingTotal: pending.length,
    consumers: goneBy(act, raw),
  }
}

/** Does what a plan says, unless what it was made of is not there any more. */
export async function applyPlan(group: GroupStore, plan: GroupPlanKey): Promise<GroupActReport> {
  const { act } = plan
  const seen = await see(group, act)
  const now = keyOf(group, act, seen, plan.at)
  if (now.digest !== plan.digest || now.pending !== plan.pending) throw stale(group)
  const movable = act.what === 'remove_group' || act.what === 'reset'
  if (movable && now.lastDelivered !== plan.lastDelivered) throw stale(group)
  return carryOut(group, act, seen)
}

function checkAct(act: GroupAct): void {
  if (act.what === 'claim' || act.what === 'remove_consumer') checkName('to', act.to)
  if (act.what === 'remove_consumer' && act.to === act.consumer) {
    throw refuse('The records must go to another consumer than the one that is removed.')
  }
  if (act.what === 'claim' && !(Number.isSafeInteger(act.minIdleMs) && act.minIdleMs >= 0)) {
    throw refuse('minIdleMs must be a whole number.')
  }
  if (act.what === 'reset' && !(Number.isSafeInteger(act.after) && act.after >= 0)) {
    throw refuse('after must be the number of a record, or 0.')
  }
}

async function see(group: GroupStore, act: GroupAct): Promise<Seen> {
  const { groups } = await group.store.meta()
  const all = await allGroups(group.store, group.kind, groups)
  const raw = all.find((one) => one.group === group.group)
  // One that vanished can be removed: then it holds nothing back any more.
  if (raw === undefined || (raw.vanished && act.what !== 'remove_group')) throw group.notFound()
  if (raw.vanished) return { raw, pending: [] }
  if (act.what === 'remove_consumer' && !raw.consumers.some(({ name }) => name === act.consumer)) {
    const words = `There is no consumer ${act.consumer} in the group ${group.group}.`
    throw new PapyraError('group_not_found', words, { details: { group: group.group } })
  }
  return { raw, pending: await touchedBy(group, act) }
}

async function touchedBy(group: GroupStore, act: GroupAct): Promise<readonly PendingRecord[]> {
  // A reset leaves what is pending as it is.
  if (act.what === 'reset') return []
  const consumer =
    act.what === 'claim' ? act.from : act.what === 'remove_consumer' ? act.consumer : undefined
  const which = {
    ...(consumer !== undefined && { consumer }),
    ...(act.what === 'claim' && { minIdleMs: act.minIdleMs }),
  }
  const found: PendingRecord[] = []
  for await (const page of pendingRecords(group, which)) found.push(...page)
  return act.what === 'claim' ? found.filter(({ consumer: has }) => has !== act.to) : found
}

function keyOf(group: GroupStore, act: GroupAct, { raw, pending }: Seen, at: number): GroupPlanKey {
  let sum = 0
  for (const { seq, consumer, deliveries } of pending) {
    sum = crc32(`${seq} ${consumer} ${deliveries}\n`, sum)
  }
  return {
    ...{ store: group.store.logId, act, at, pending: pending.length },
    digest: sum.toString(16).padStart(8, '0'),
    lastDelivered: raw.lastDeliveredId,
  }
}

function goneBy(act: GroupAct, raw: RawGroup): readonly string[] {
  if (act.what === 'remove_consumer') return [act.consumer]
  return act.what === 'remove_group' ? raw.consumers.map(({ name }) => name) : []
}

/** Records that are delivered because of the act, or never. */
async function movedBy(
  group: GroupStore,
  act: GroupAct,
  raw: RawGroup,
): Promise<{ readonly redelivered: number; readonly skipped: number }> {
  if (act.what === 'remove_group') {
    const { kinds } = await group.store.meta()
    const state = kinds.find(({ kind }) => kind === group.kind)
    if (state === undefined) return { redelivered: 0, skipped: 0 }
    const kept = { claim: '', samples: '', poison: '' }
    const { lag } = describeGroup(state, raw, kept, group.store.clock.now())
    return { redelivered: 0, skipped: lag.records ?? 0 }
  }
  if (act.what !== 'reset') return { redelivered: 0, skipped: 0 }
  const back = act.after < raw.lastDelivered
  const [from, to] = [
    Math.min(act.after, raw.lastDelivered),
    Math.max(act.after, raw.lastDelivered),
  ]
  const between = await countBetween(group, from, to)
  return back ? { redelivered: between, skipped: 0 } : { redelivered: 0, skipped: between }
}

/** Entries with numbers above `from`, up to `to`. */
async function countBetween(group: GroupStore, from: number, to: number): Promise<number> {
  const { connection } = group.store
  let count = 0
  for (let after = `(${from}-0`; ; ) {
    const page = list(
      await connection.ask('XRANGE', group.stream, after, `${to}-0`, 'COUNT', LISTED),
    )
    count += page.length
    if (page.length < LISTED) return count
    after = `(${text(list(page.at(-1))[0])}`
  }
}

async function carryOut(
  group: GroupStore,
  act: GroupAct,
  { raw, pending }: Seen,
): Promise<GroupActReport> {
  const none = { act, claimed: 0, deleted: [], forgotten: 0, consumers: [] as readonly string[] }
  if (act.what === 'claim' || act.what === 'remove_consumer') {
    const done = await give(group, act.to, pending)
    if (done === null) throw stale(group)
    if (act.what === 'remove_consumer') await leave(group, act.consumer)
    const changed = pending.length > 0 || act.what === 'remove_consumer'
    const consumers = goneBy(act, raw)
    return { ...none, changed, claimed: done.given.length, deleted: done.deleted, consumers }
  }
  const what = act.what === 'reset' ? 'reset' : 'remove'
  const seen = [raw.lastDeliveredId, raw.pending]
  const [status] = list(
    await group.run(actScript, [what, ...seen, ...(act.what === 'reset' ? [act.after] : [])]),
  )
  if (text(status) === 'none') throw group.notFound()
  if (text(status) !== 'ok') throw stale(group)
  const changed = act.what === 'remove_group' || act.after !== raw.lastDelivered
  const forgotten = act.what === 'reset' ? 0 : raw.pending
  return { ...none, changed, forgotten, consumers: goneBy(act, raw) }
}

function stale({ group, kind }: GroupStore): PapyraError {
  const words = `The group ${group} is not as it was when the plan was made: its consumers went on.`
  return new PapyraError('stale_plan', words, {
    details: { group, kind },
    hint: 'Make a new plan; stop its consumers first if it happens again.',
  })
}
