import { randomBytes } from 'node:crypto'
import type { Connection, Reply } from '../connection.js'
import { decodeEntry, list, text } from '../entry.js'
import { failureOf } from '../redis-errors.js'
import type { Acks } from './acks.js'
import { claimAll, isDeleted, setAside, type Held } from './claim.js'
import type { Delivery } from './delivery.js'
import type { GroupStore } from './group-store.js'
import type { Consuming } from './options.js'
import { pendingOf } from './pending.js'
import { leaveIfIdle } from './removal.js'
import { sampleGroup } from './samples.js'
import { ensureScript } from './scripts.js'
import type { Surroundings } from './surroundings.js'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 5000

interface Work {
  readonly group: GroupStore
  readonly surroundings: Surroundings
  readonly options: Consuming & { readonly signal: AbortSignal }
  readonly connection: Connection
  /** The whole name: of this run alone. */
  readonly consumer: string
  /** What was handed over and is not acknowledged: it must not be handed over again by this run. */
  readonly held: Set<number>
}

/** See `ConsumerGroup.consume`. */
export async function* consume(
  group: GroupStore,
  surroundings: Surroundings,
  acks: Acks,
  options: Work['options'],
): AsyncGenerator<Delivery, void, undefined> {
  const connection = surroundings.connect()
  const consumer = `${options.consumer}.${randomBytes(4).toString('hex')}`
  const work = { group, surroundings, options, connection, consumer, held: new Set<number>() }
  const { signal } = options
  const stop = (): void => connection.drop()
  signal.addEventListener('abort', stop)
  try {
    for await (const one of fetchAll(work)) {
      work.held.add(one.record.seq)
      yield deliveryOf(work, one, acks)
      if (signal.aborted) return
    }
  } finally {
    signal.removeEventListener('abort', stop)
    connection.close()
    // What is held yet stays pending, under its name, and others claim it.
    await acks.settle()
    await leaveIfIdle(group, consumer).catch(() => false)
  }
}

function deliveryOf(
  { group, consumer, held }: Work,
  { record, deliveries }: Held,
  acks: Acks,
): Delivery {
  return {
    ...{ record, deliveries, consumer },
    key: `${group.store.logId}:${record.seq}`,
    async ack() {
      await acks.ack(record.seq, consumer, deliveries)
      held.delete(record.seq)
    },
  }
}

/** Fetches without end, through lost connections and vanished groups. */
async function* fetchAll(work: Work): AsyncGenerator<Held, void, undefined> {
  const { signal } = work.options
  let pause = FIRST_PAUSE_MS
  let lost = false
  const { claimEveryMs } = work.options
  let claimAt = claimEveryMs === 0 ? Number.POSITIVE_INFINITY : performance.now()
  while (!signal.aborted) {
    try {
      if (lost) yield* own(work)
      lost = false
      if (performance.now() >= claimAt) {
        yield* claimed(work)
        claimAt = performance.now() + claimEveryMs
      }
      if (signal.aborted) return
      yield* fresh(work, Math.max(1, claimAt - performance.now()))
      pause = FIRST_PAUSE_MS
    } catch (error) {
      if (signal.aborted) return
      await recover(work, error, pause)
      // What the lost answer delivered is pending for us.
      lost = true
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
    }
  }
}

/** Waits and goes on, or rejects with what cannot be gone on from. */
async function recover(work: Work, error: unknown, pause: number): Promise<void> {
  const problem = await resume(work, error)
  if (problem === null) return
  if (failureOf(problem)?.passing !== true) throw problem as Error
  const { code } = problem as { code: string }
  work.surroundings.tell({ what: 'disconnected', code })
  await sleep(pause, work.options.signal)
}

/** Makes a group again that vanished; resolves with what else is in the way, or `null`. */
async function resume(
  { group, surroundings, options, held }: Work,
  error: unknown,
): Promise<unknown> {
  try {
    if (!(await hasVanished(group, error))) return error
    if (options.onVanished === 'fail') return group.notFound()
    const after = await makeAgain(group)
    held.clear()
    surroundings.tell({ what: 'vanished', after })
    return null
  } catch (another) {
    return another
  }
}

async function hasVanished(group: GroupStore, error: unknown): Promise<boolean> {
  const reason = failureOf(error)?.reason
  if (reason === 'NOGROUP' || (error as { code?: unknown }).code === 'group_not_found') return true
  // The wait also ends where the slot moves to another node: then the group is there yet.
  return reason === 'UNBLOCKED' && !(await isThere(group))
}

async function isThere({ store, stream, group }: GroupStore): Promise<boolean> {
  try {
    await store.connection.ask('XPENDING', stream, group)
    return true
  } catch (error) {
    if (failureOf(error)?.reason === 'NOGROUP') return false
    throw error
  }
}

/** Makes the group again behind the last record up to which all were handled. */
async function makeAgain(group: GroupStore): Promise<number> {
  const { store, fields, kind } = group
  const [done, start] = list(
    await store.connection.ask('HMGET', store.keys.meta, `${fields}:done`, `${fields}:start`),
  ).map((part) => text(part))
  if ((done ?? '') === '' && (start ?? '') === '') throw group.notFound()
  const after = done === undefined || done === '' ? '0' : done
  const [status] = list(await group.run(ensureScript, [after, kind]))
  if (text(status) === 'gone') throw store.replaced(`the stream of ${kind} records is gone`)
  return Number(after)
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}

/**
 * What others left, one by one: whoever dies of a record must not take those beside it along, which
 * would be counted as delivered once more with it.
 */
async function* claimed(work: Work): AsyncGenerator<Held, void, undefined> {
  const { group, options, consumer, surroundings, connection, held } = work
  const claiming = { ...options, consumer, batch: 1 }
  for await (const page of claimAll(group, claiming, surroundings.tell, connection)) {
    for (const one of page.records) if (!held.has(one.record.seq)) yield one
  }
  // Evidence for operators; the work does not depend on it.
  await sampleGroup(group).catch(() => undefined)
}

/** Records that were never delivered; waits for them, with a watchdog over the wait. */
async function* fresh(work: Work, untilClaimMs: number): AsyncGenerator<Held, void, undefined> {
  const { group, options, connection, consumer, surroundings } = work
  const block = Math.ceil(Math.min(options.blockMs, untilClaimMs))
  const words = ['GROUP', group.group, consumer, 'COUNT', options.batch, 'BLOCK', block]
  const limit = block + surroundings.commandTimeoutMs
  const reply = await connection.sendWithin(
    limit,
    'XREADGROUP',
    ...words,
    'STREAMS',
    group.stream,
    '>',
  )
  yield* soundOnes(work, entriesIn(reply), () => 1)
}

/** What is pending for this run and was not handed over: an answer was lost on the way. */
async function* own(work: Work): AsyncGenerator<Held, void, undefined> {
  const { group, options, connection, consumer, held } = work
  let after = '0'
  for (;;) {
    const words = ['GROUP', group.group, consumer, 'COUNT', options.batch, 'STREAMS', group.stream]
    const entries = entriesIn(await connection.send('XREADGROUP', ...words, after))
    if (entries.length === 0) return
    const [first, last] = [idOf(entries[0]), idOf(entries.at(-1))]
    const range = [first, last, entries.length]
    const rows = list(
      await connection.send('XPENDING', group.stream, group.group, ...range, consumer),
    )
    const counts = new Map(rows.map(pendingOf).map(({ seq, deliveries }) => [seq, deliveries]))
    const missed = entries.filter((entry) => !held.has(seqOf(entry)))
    yield* soundOnes(work, missed, (seq) => counts.get(seq) ?? 1)
    after = last
  }
}

/** Hands records over; sets aside what is none, and tells of what is gone. */
async function* soundOnes(
  { group, surroundings, connection }: Work,
  entries: readonly Reply[],
  deliveriesOf: (seq: number) => number,
): AsyncGenerator<Held, void, undefined> {
  for (const entry of entries) {
    if (isDeleted(entry)) {
      await setAside(group, idOf(entry), 'deleted', connection)
      surroundings.tell({ what: 'deleted', seqs: [seqOf(entry)] })
      continue
    }
    const { id, record, problem } = decodeEntry(group.kind, group.store.seed, entry)
    if (record !== null) yield { record, deliveries: deliveriesOf(record.seq) }
    else {
      await setAside(group, id, problem ?? 'foreign_record', connection)
      surroundings.tell({ what: 'invalid', id, why: problem ?? 'foreign_record' })
    }
  }
}

function entriesIn(reply: Reply): readonly Reply[] {
  const [stream] = list(reply)
  return list(list(stream)[1])
}

function idOf(entry: Reply | undefined): string {
  return text(list(entry)[0])
}

function seqOf(entry: Reply): number {
  return Number(idOf(entry).split('-')[0])
}
