import {
  PapyraError,
  type Anomaly,
  type Notice,
  type ScanOptions,
  type ScanReport,
} from '@papyra/contracts'
import { decodeEntry, list } from './entry.js'
import { sizeOfHoles } from './holes.js'
import { stored, type Meta } from './meta.js'
import { Pace } from './pace.js'
import { mergedEntries } from './pages.js'
import type { Look, Store } from './store.js'
import { KindWalk, type Found, type Mending } from './walk.js'

export const NAME = 'redis'
const MOST_TRIES = 5
const MOST_ANOMALIES = 1000

/** A scan, and what a recovery has to do about what it found. */
export interface Scan {
  readonly report: ScanReport
  readonly meta: Meta
  readonly mendings: readonly Mending[]
  /** The kinds whose streams gave an id above every number of ours, so that they take none. */
  readonly blocked: readonly string[]
  /** The kinds whose stream is not there. */
  readonly absent: readonly string[]
}

export interface ScanSettings {
  /** True if trims from outside are allowed: they are told, not held against the store. */
  readonly trimsAllowed: boolean
}

/** Reads and verifies everything up to the last number that there is as it begins. */
export async function scanStore(
  store: Store,
  options: ScanOptions,
  settings: ScanSettings,
): Promise<Scan> {
  const startedAt = store.clock.monotonic()
  for (let tries = 1; ; tries += 1) {
    const look = await store.look()
    const pace = new Pace(options, 'scan', stored(look.meta).bytes)
    const walked = await walk(store, look, pace)
    // What a compaction or a recovery took meanwhile would look like a loss.
    if ((await store.meta()).rev === look.meta.rev) {
      const durationMs = store.clock.monotonic() - startedAt
      return scanOf(store, look, walked, { options, settings, durationMs })
    }
    if (tries < MOST_TRIES) continue
    throw new PapyraError(
      'stale_plan',
      'The store was changed again and again while it was scanned.',
    )
  }
}

interface Walked {
  readonly found: readonly Found[]
  readonly records: number
  readonly bytes: number
  readonly firstSeq: number | null
  readonly lastSeq: number | null
}

async function walk(store: Store, { meta, streams }: Look, pace: Pace): Promise<Walked> {
  const found: Found[] = []
  const note = (one: Found): void => void found.push(one)
  const walks = new Map(
    streams.map((stream) => {
      const { kind } = stream.state
      return [kind, new KindWalk(stream, store.keys.stream(kind), note)]
    }),
  )
  let last = 0
  let [firstSeq, lastSeq]: [number | null, number | null] = [null, null]
  const absent = (from: number, to: number): void => {
    if (from <= to) for (const one of walks.values()) one.absent(from, to)
  }
  const span = { kinds: [...walks.keys()], from: 0, to: meta.seq, order: 'oldest' } as const
  for await (const batch of mergedEntries(store, span)) {
    let bytes = 0
    for (const entry of batch) {
      bytes += entry.size
      absent(last + 1, entry.seq - 1)
      last = Math.max(last, entry.seq)
      walks.get(entry.kind)?.entry(entry)
      if (entry.record === null) continue
      firstSeq ??= entry.seq
      lastSeq = entry.seq
    }
    await pace.step(bytes, batch.length)
  }
  absent(last + 1, meta.seq)
  for (const one of walks.values()) one.end()
  for (const stream of streams) {
    if ((stream.last?.seq ?? 0) > meta.seq) await beyond(store, stream.state.kind, meta.seq, walks)
  }
  if (meta.suspect !== null) note(suspected(store, meta))
  if (meta.rebuilt) note(metaGone(store, lastSeq ?? 0, meta))
  const sum = (pick: (one: KindWalk) => number): number =>
    [...walks.values()].reduce((total, one) => total + pick(one), 0)
  const [records, bytes] = [sum((one) => one.records), sum((one) => one.bytes)]
  return { found, records, bytes, firstSeq, lastSeq }
}

/** Entries above every number that we ever gave: nothing of ours can be among them. */
async function beyond(
  store: Store,
  kind: string,
  seq: number,
  walks: ReadonlyMap<string, KindWalk>,
): Promise<void> {
  let after = `${seq + 1}-0`
  for (;;) {
    const key = store.keys.stream(kind)
    const page = list(await store.connection.ask('XRANGE', key, after, '+', 'COUNT', 100))
    const entries = page.map((one) => decodeEntry(kind, store.seed, one))
    for (const entry of entries) walks.get(kind)?.stranger(entry)
    const last = entries.at(-1)
    if (last === undefined) return
    after = `(${last.id}`
  }
}

function suspected(store: Store, { suspect }: Meta): Found {
  const seq = suspect?.seq ?? null
  const records = seq === null ? 0 : seq.last - seq.first + 1
  const detail = 'A writer found that records which it was acknowledged are gone.'
  const anomaly: Anomaly = {
    ...{ code: 'rolled_back', path: store.keys.meta, offset: null, length: null, seq },
    ...{ records, loss: true, detail },
  }
  return { anomaly, mendings: [{ do: 'clear' }] }
}

/** What came after the last record that is there, nobody can tell. */
function metaGone(store: Store, last: number, { seq }: Meta): Found {
  const beyond = seq > last ? { first: last + 1, last: seq } : null
  const anomaly: Anomaly = {
    ...{ code: 'sidecar_missing', path: store.keys.meta, offset: null, length: null, seq: beyond },
    ...{ records: beyond === null ? 0 : beyond.last - beyond.first + 1, loss: true },
    detail: 'It is gone: what compaction took cannot be told from what was lost.',
  }
  return { anomaly, mendings: [{ do: 'clear' }] }
}

interface Circumstances {
  readonly options: ScanOptions
  readonly settings: ScanSettings
  readonly durationMs: number
}

function scanOf(
  store: Store,
  { meta, streams }: Look,
  walked: Walked,
  { options, settings, durationMs }: Circumstances,
): Scan {
  const told = ({ anomaly }: Found): boolean =>
    anomaly.code === 'external_trim' && settings.trimsAllowed
  const held = walked.found.filter((found) => !told(found))
  const anomalyCounts: Record<string, number> = {}
  for (const { anomaly } of held) {
    anomalyCounts[anomaly.code] = (anomalyCounts[anomaly.code] ?? 0) + 1
  }
  const anomalies = held.map(({ anomaly }) => anomaly)
  const acceptLoss = anomalies.some(({ loss }) => loss)
  const damaged = held.filter(({ mendings }) => mendings.some((one) => one.do === 'take')).length
  const report: ScanReport = {
    ...{
      backend: NAME,
      location: store.location,
      logId: meta.rebuilt ? null : store.logId,
      generation: meta.generation,
    },
    ...{ coverage: 'full', unread: null, clean: held.length === 0 },
    anomalies: anomalies.slice(0, options.maxAnomalies ?? MOST_ANOMALIES),
    ...{ anomalyCounts, anomaliesTotal: anomalies.length },
    notices: [...trimNotices(store, meta, walked.found.filter(told)), ...lossNotices(store, meta)],
    ...{ records: walked.records, bytes: walked.bytes },
    ...{ firstSeq: walked.firstSeq, lastSeq: walked.lastSeq, unproven: null, losses: meta.losses },
    consent: { acceptLoss, force: damaged > walked.records },
    durationMs,
  }
  const blocked = streams.filter(({ top }) => top > meta.seq).map(({ state }) => state.kind)
  const absent = streams.filter(({ exists }) => !exists).map(({ state }) => state.kind)
  const mendings = walked.found.flatMap(({ mendings }) => mendings)
  return { report, meta, mendings, blocked, absent }
}

/** What was trimmed from outside with leave to do so: what is counted already, and what is new. */
function trimNotices(store: Store, meta: Meta, told: readonly Found[]): Notice[] {
  const fresh = told.map(({ anomaly }) => anomaly)
  return meta.kinds.flatMap(({ kind, trimmed }): Notice[] => {
    const path = store.keys.stream(kind)
    const own = fresh.filter((anomaly) => anomaly.path === path)
    const count = own.reduce((sum, { records }) => sum + records, trimmed)
    if (count === 0) return []
    const detail = `${count} records of the kind ${kind} were trimmed from outside.`
    const seq = own[0]?.seq ?? null
    return [{ code: 'trimmed_outside', path, offset: null, seq, count, detail }]
  })
}

function lossNotices(store: Store, { losses }: Meta): Notice[] {
  return losses.map(({ seq, records, code }) => ({
    ...({
      code: 'recorded_loss',
      path: store.keys.meta,
      offset: null,
      seq,
      count: records,
    } as const),
    detail: `A recovery recorded ${records} records as lost (${code}).`,
  }))
}

/** How many records of a kind there should be. */
export function expectedLength({ added, holes }: Meta['kinds'][number]): number {
  return added - sizeOfHoles(holes)
}
