import {
  PapyraError,
  recoveryPlanOf,
  requireRecoveryPlan,
  throwIfAborted,
  type RecordedLoss,
  type RecoverOptions,
  type RecoveryReport,
} from '@papyra/contracts'
import type { Argument } from './connection.js'
import { anomalyWords } from './counting.js'
import { text } from './entry.js'
import { holeWords } from './health.js'
import { joinHoles, bytesOfHoles, sizeOfHoles, type Holes } from './holes.js'
import { longerHistory, type Meta } from './meta.js'
import { scanStore, type Scan, type ScanSettings } from './scan.js'
import { copyScript } from './scripts/maintain.js'
import type { Store } from './store.js'
import type { Mending } from './walk.js'

/** How many entries one step moves or copies. */
const STEP = 200

/** Mends what a scan finds; see `Backend.recover`. */
export async function recover(
  store: Store,
  options: RecoverOptions,
  settings: ScanSettings,
): Promise<RecoveryReport> {
  const startedAt = store.clock.monotonic()
  const { mode, dryRun = false, quarantineDir = '' } = options
  if (mode === 'quarantine' && quarantineDir === '') {
    throw new PapyraError('quarantine_dir_required', 'Quarantine needs the name of a place.')
  }
  const scan = await scanStore(store, { ...options, maxAnomalies: Infinity }, settings)
  const losses = lossesOf(store, scan)
  const report = (more: Partial<RecoveryReport>): RecoveryReport => {
    const told = {
      ...{ mode, dryRun, changed: !scan.report.clean, before: scan.report, after: null, losses },
      ...{ recordsKept: scan.report.records ?? 0, bytesSetAside: bytesTaken(scan), keptAside: [] },
      ...more,
      durationMs: store.clock.monotonic() - startedAt,
    }
    return { ...told, plan: dryRun ? recoveryPlanOf(told) : null }
  }
  const planned = report({})
  requireRecoveryPlan(options, planned)
  if (dryRun) return planned
  if (scan.report.clean) return report({ after: scan.report })
  checkConsent(store, scan, options)
  throwIfAborted(options.signal)
  const copies = mode === 'quarantine' ? await quarantine(store, scan, quarantineDir) : []
  await store.restore()
  await mend(store, scan, losses)
  const { report: after } = await scanStore(store, {}, settings)
  if (after.clean) {
    await store.maintain(null, [], ['set', 'verified_at', store.clock.now()])
  }
  const aside = bytesTaken(scan) > 0 ? [store.keys.aside] : []
  return report({ after, keptAside: [...aside, ...copies] })
}

function lossesOf(store: Store, { report }: Scan): RecordedLoss[] {
  const at = store.clock.now()
  return report.anomalies
    .filter(({ loss }) => loss)
    .map(({ seq, records, code }) => ({ seq, records, code, at }))
}

function bytesTaken({ mendings }: Scan): number {
  return mendings.reduce((sum, one) => sum + (one.do === 'take' ? one.bytes : 0), 0)
}

function checkConsent(store: Store, { report }: Scan, options: RecoverOptions): void {
  const { acceptLoss, force } = report.consent
  const details = { location: store.location }
  if (acceptLoss && options.acceptLoss !== true) {
    const lost = report.anomalies.filter(({ loss }) => loss)
    const records = lost.reduce((sum, one) => sum + one.records, 0)
    const text = `${records} records of ${store.location} are gone and would be recorded as lost.`
    throw new PapyraError('accept_loss_required', text, { details: { ...details, records } })
  }
  if (force && options.force !== true) {
    const text = `More than half of the entries of ${store.location} would be taken out.`
    throw new PapyraError('force_required', text, { details })
  }
}

/** Copies the streams as they are to keys under the name; the originals stay where they are. */
async function quarantine(store: Store, { meta }: Scan, name: string): Promise<string[]> {
  const copies: string[] = []
  for (const { kind } of meta.kinds) {
    const key = store.keys.stream(kind)
    const copy = `${key}:quarantine:${name}`
    if ((await store.connection.ask('EXISTS', copy)) === 1) {
      const text = `There is a key ${copy} already; nothing was changed.`
      throw new PapyraError('quarantine_failed', text, { details: { path: copy } })
    }
    if (await copyStream(store, key, copy)) copies.push(copy)
  }
  return copies
}

/** Copies a stream step by step; false if it has no entry. */
async function copyStream(store: Store, from: string, to: string): Promise<boolean> {
  let begin = '-'
  for (;;) {
    const last = text(await store.connection.run(copyScript, [from, to], [begin, STEP]))
    if (last === '') return begin !== '-'
    begin = `(${last}`
  }
}

/**
 * In steps, each of which takes out entries and records the holes that they leave; the last one
 * records the run. Stopped in between, a second run does the rest.
 */
async function mend(store: Store, scan: Scan, losses: readonly RecordedLoss[]): Promise<void> {
  const { meta } = scan
  const streams = meta.kinds.map(({ kind }) => store.keys.stream(kind))
  const holes = new Map(meta.kinds.map(({ kind, holes: known }) => [kind, known]))
  let { rev } = meta
  const steps = chunks(scan.mendings)
  for (const step of steps) {
    rev = await store.maintain({ rev }, streams, stepWords(meta, step, holes))
  }
  const { words, keys } = await rebuild(store, scan, streams.length)
  const [records, bytes] = gone(meta, holes)
  const history = longerHistory(meta, {
    ...{ what: 'recovery', at: store.clock.now(), generation: meta.generation + 1 },
    ...{ recordsRemoved: records, bytesRemoved: bytes },
    detail: Object.entries(scan.report.anomalyCounts)
      .map(([code, count]) => `${code}: ${count}`)
      .join(', '),
  })
  const lost = losses.reduce((sum, loss) => sum + loss.records, 0)
  await store.maintain(
    { rev },
    [...streams, ...keys],
    [
      ...words,
      ...['set', 'history', history, 'drop', 'suspect', 'add', 'generation', 1],
      ...['set', 'losses', JSON.stringify([...meta.losses, ...losses])],
      ...(losses.length > 0 ? ['add', 'epoch', 1] : []),
      ...['add', 'm:recoveries', 1, 'add', 'm:recordsLost', lost],
      ...anomalyWords(scan.report),
    ],
  )
}

function chunks(mendings: readonly Mending[]): Mending[][] {
  const steps: Mending[][] = []
  for (let at = 0; at < mendings.length; at += STEP) steps.push(mendings.slice(at, at + STEP))
  return steps
}

function stepWords(meta: Meta, step: readonly Mending[], holes: Map<string, Holes>): Argument[] {
  const words: Argument[] = []
  const touched = new Set<string>()
  for (const one of step) {
    if (one.do === 'take') {
      words.push('take', placeOf(meta, one.kind), one.id, one.why)
    } else if (one.do === 'record') {
      holes.set(one.kind, joinHoles(holes.get(one.kind) ?? [], one.holes))
      touched.add(one.kind)
    }
  }
  for (const kind of touched) words.push(...holeWords(kind, holes.get(kind) ?? []))
  return words
}

/** Which of the keys of a step of maintenance the stream of a kind is. */
function placeOf({ kinds }: Meta, kind: string): number {
  return kinds.findIndex((one) => one.kind === kind) + 3
}

function gone(meta: Meta, holes: ReadonlyMap<string, Holes>): [records: number, bytes: number] {
  let [records, bytes] = [0, 0]
  for (const { kind, holes: before } of meta.kinds) {
    const after = holes.get(kind) ?? []
    records += sizeOfHoles(after) - sizeOfHoles(before)
    bytes += bytesOfHoles(after) - bytesOfHoles(before)
  }
  return [records, bytes]
}

/**
 * A stream that once gave an id above all our numbers takes none of ours any more: it is copied, and
 * the copy takes its place. Nobody can append to it meanwhile. Groups of consumers go on where they
 * were; those of a stream that is gone, behind what they had handled.
 */
async function rebuild(
  store: Store,
  { meta, blocked, absent }: Scan,
  count: number,
): Promise<{ words: Argument[]; keys: string[] }> {
  const [words, keys]: [Argument[], string[]] = [[], []]
  for (const kind of blocked) {
    const key = store.keys.stream(kind)
    const copy = `${key}:rebuilt`
    await store.connection.send('DEL', copy)
    await copyStream(store, key, copy)
    const length = Number(await store.connection.ask('XLEN', key))
    keys.push(copy)
    words.push('swap', placeOf(meta, kind), 2 + count + keys.length, length)
  }
  for (const kind of [...blocked, ...absent]) words.push('regroup', placeOf(meta, kind), kind)
  return { words, keys }
}
