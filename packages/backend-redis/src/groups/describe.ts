import type {
  ClaimSummary,
  ConsumerDescription,
  GroupDescription,
  GroupLag,
  PendingRecord,
  PendingSample,
} from '@papyra/contracts'
import type { Reply } from '../connection.js'
import { decodeEntry, list, text, type Entry } from '../entry.js'
import { sizeOfHoles, type Holes } from '../holes.js'
import type { KindState, KnownGroup } from '../meta.js'
import type { Store } from '../store.js'
import { fieldsOf } from './names.js'
import { pendingOf } from './pending.js'
import { groupsScript } from './scripts.js'

/** How many pending records are looked at, by number. */
const LOOKED_AT = 1000

/** One group as the server has it. */
export interface RawGroup {
  readonly group: string
  readonly vanished: boolean
  readonly lastDelivered: number
  readonly lastDeliveredId: string
  readonly pending: number
  readonly consumers: readonly ConsumerDescription[]
  /** The first of them, by number. */
  readonly rows: readonly PendingRecord[]
  /** The first entry that was not delivered; `null` if there is none. */
  readonly next: Entry | null
}

/** The groups of the stream of a kind, at one moment. */
export async function rawGroups(store: Store, kind: string): Promise<readonly RawGroup[]> {
  const keys = [store.keys.meta, store.keys.stream(kind)]
  const reply = await store.connection.run(groupsScript, keys, [LOOKED_AT])
  return list(reply).map((row) => rawGroup(store, kind, row))
}

/** Groups that the store remembers and the server does not have. */
export function vanishedOf(
  kind: string,
  raw: readonly RawGroup[],
  known: readonly KnownGroup[],
): readonly KnownGroup[] {
  const own = known.filter((one) => one.kind === kind)
  return own.filter(({ group }) => raw.every((there) => there.group !== group))
}

/** All groups of a kind, those that vanished included. */
export async function allGroups(
  store: Store,
  kind: string,
  known: readonly KnownGroup[],
): Promise<readonly RawGroup[]> {
  const raw = await rawGroups(store, kind)
  const vanished: RawGroup[] = []
  for (const { group, done } of vanishedOf(kind, raw, known)) {
    const words = [`(${done}-0`, '+', 'COUNT', 1]
    const [entry] = list(await store.connection.ask('XRANGE', store.keys.stream(kind), ...words))
    vanished.push({
      ...{ group, vanished: true, lastDelivered: done, lastDeliveredId: `${done}-0` },
      ...{ pending: 0, consumers: [], rows: [] },
      next: entry === undefined ? null : decodeEntry(kind, store.seed, entry),
    })
  }
  return [...raw, ...vanished]
}

function rawGroup(store: Store, kind: string, row: Reply): RawGroup {
  const [name, last, pending, consumers, rows, next] = list(row)
  const [entry] = list(next)
  const lastDeliveredId = text(last)
  return {
    ...{ group: text(name), vanished: false },
    lastDelivered: Number(lastDeliveredId.split('-')[0]),
    lastDeliveredId,
    pending: Number(pending),
    consumers: list(consumers).map((one) => consumerOf(one, store.consumerAliveMs)),
    rows: list(rows).map(pendingOf),
    next: entry === undefined ? null : decodeEntry(kind, store.seed, entry),
  }
}

function consumerOf(row: Reply, aliveMs: number): ConsumerDescription {
  const flat = list(row)
  const found = new Map<string, Reply>()
  for (let at = 0; at + 1 < flat.length; at += 2) found.set(text(flat[at]), flat[at + 1] ?? null)
  const pending = Number(found.get('pending') ?? 0)
  const idleMs = Number(found.get('idle') ?? 0)
  const alive = idleMs < aliveMs
  return {
    name: text(found.get('name')),
    pending,
    idleMs,
    state: alive ? 'alive' : pending > 0 ? 'abandoned' : 'ghost',
  }
}

/** What the store keeps about a group. */
export interface KeptFields {
  readonly claim: string
  readonly samples: string
  readonly poison: string
}

export async function keptFields(store: Store, kind: string, group: string): Promise<KeptFields> {
  const prefix = fieldsOf(kind, group)
  const names = ['claim', 'samples', 'poison'].map((name) => `${prefix}:${name}`)
  const reply = list(await store.connection.ask('HMGET', store.keys.meta, ...names))
  const [claim = '', samples = '', poison = ''] = reply.map((part) => text(part))
  return { claim, samples, poison }
}

export function describeGroup(
  state: KindState,
  raw: RawGroup,
  kept: KeptFields,
  now: number,
): GroupDescription {
  const { group, vanished, pending, consumers, rows, lastDelivered } = raw
  const lag = lagOf(state, raw, now)
  const alive = consumers.some((consumer) => consumer.state === 'alive')
  return {
    ...{ kind: state.kind, group, vanished, consumers, pending, lastDelivered, lag },
    oldestPending: rows.reduce<PendingRecord | null>(
      (most, row) => (most === null || row.idleMs > most.idleMs ? row : most),
      null,
    ),
    mostDeliveries: rows.reduce((most, { deliveries }) => Math.max(most, deliveries), 0),
    poison: Number(kept.poison || '0'),
    abandoned: !alive && (pending > 0 || lag.records !== 0),
    lastClaim: json<ClaimSummary | null>(kept.claim, null),
    samples: json<PendingSample[]>(kept.samples, []),
  }
}

/** Each entry says which of its kind it is, so that what is behind it need not be counted. */
function lagOf({ added, holes }: KindState, { next }: RawGroup, now: number): GroupLag {
  if (next === null) return { records: 0, atLeast: false, seconds: null }
  if (next.totals === null || next.record === null) {
    return { records: null, atLeast: false, seconds: null }
  }
  const place = next.totals.records
  const records = added - place + 1 - sizeOfHoles(holesFrom(holes, place))
  const age = (now - next.record.timestamp) / 1000
  return { records, atLeast: false, seconds: Number.isFinite(age) ? Math.max(0, age) : null }
}

function holesFrom(holes: Holes, place: number): Holes {
  return holes.flatMap((hole) =>
    hole.last < place ? [] : [{ ...hole, first: Math.max(hole.first, place) }],
  )
}

function json<T>(value: string, none: T): T {
  if (value === '') return none
  try {
    return JSON.parse(value) as T
  } catch {
    return none
  }
}
