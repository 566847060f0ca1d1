import {
  PapyraError,
  type AppendFact,
  type AppendResult,
  type BeginOptions,
  type BeginReport,
} from '@papyra/contracts'
import type { Head } from '../format/head.js'
import type { Identity, LogScan } from '../scan-types.js'
import type { Sidecar } from '../format/sidecar.js'
import type { VfsFile } from '../vfs.js'
import { AppendQueue } from '../write/append-queue.js'
import { openMarkWriter } from '../write/mark-file.js'
import { writeSidecarFile } from '../write/sidecar-file.js'
import { enqueue } from './enqueue.js'
import { finishInterrupted } from './finish-interrupted.js'
import { withIo } from './io.js'
import { addCounts, countAppends } from './ledger.js'
import { sidecarToGoOnFrom } from './repair-plan.js'
import type { Live, StoreCore } from './store-core.js'
import { anomaliesIn, currentScan, scanStore } from './store-scan.js'
import { setTailAside } from './tail-aside.js'
import { upgradeInPlace } from './store-upgrade.js'
import { trackerFor } from './tracker-for.js'
import { verifiedPart } from './verified.js'

/** Ends the gate; see `Backend.begin`. */
export async function beginStore(core: StoreCore, options: BeginOptions): Promise<BeginReport> {
  core.requireOwner('begin')
  if (core.live === null) await goLive(core, options)
  const live = core.live as Live | null
  if (live === null) throw new PapyraError('internal', 'the store did not begin')
  return { nextSeq: live.queue.state.nextSeq, keptAside: live.keptAside }
}

async function goLive(core: StoreCore, options: BeginOptions): Promise<void> {
  let scan = await currentScan(core, { coverage: 'auto' })
  if (scan.state === 'plain' || (core.settings.upgrade && anomaliesIn(scan) > 0)) {
    scan = await upgraded(core, scan)
  }
  const { vfs, log } = core.settings
  const setAside = options.onDamage === 'set_tail_aside'
  if (anomaliesIn(scan) > 0 && !setAside) throw refused(scan)
  const finished = await finishInterrupted(vfs, log, scan)
  if (finished === 'reverted' || finished === 'completed') {
    scan = await scanStore(core, { coverage: 'auto' })
  }
  const { head, identity } = scan
  if (head === null || identity === null || core.logFile === null) throw refused(scan)
  let keptAside: readonly string[] = []
  if (anomaliesIn(scan) > 0) {
    const aside = await setTailAside({ vfs, log, file: core.logFile }, scan)
    keptAside = aside.keptAside
    // A last line that had to be ended was not what its block's figures say.
    if (aside.end !== scan.soundEnd) scan = { ...scan, soundEnd: aside.end, openBlock: null }
  }
  core.live = await openForAppends(core, { scan, head, identity, keptAside, options })
  core.known = null
}

async function upgraded(core: StoreCore, scan: LogScan): Promise<LogScan> {
  const { log, upgrade } = core.settings
  if (!upgrade) {
    throw new PapyraError('upgrade_required', `${log} is a plain log without checksums.`, {
      details: { path: log },
    })
  }
  const changed = await upgradeInPlace(core, scan, {})
  return changed === null ? scan : scanStore(core, { coverage: 'auto' })
}

/** What is wrong, for the error that refuses to go on. */
export function refused(scan: LogScan, doing: string = 'opened for appending'): PapyraError {
  const { path, state } = scan
  if (state === 'newer' || scan.sidecar.state === 'newer') {
    return new PapyraError('newer_format', `${path} was written by a later version of Papyra.`, {
      details: { path },
    })
  }
  const counts = Object.entries(scan.anomalyCounts).map(([code, n]) => `${n} ${code}`)
  const first = scan.anomalies[0]
  return new PapyraError('anomalies_found', `${path} was not ${doing}: ${counts.join(', ')}.`, {
    details: { path, offset: first?.offset ?? null, code: first?.code ?? null },
  })
}

interface Opening {
  readonly scan: LogScan
  readonly head: Head
  readonly identity: Identity
  readonly keptAside: readonly string[]
  readonly options: BeginOptions
}

async function openForAppends(core: StoreCore, opening: Opening): Promise<Live> {
  const { vfs, log, clock, ack, maxRecordBytes, maxWaitingBytes } = core.settings
  const { scan, head, identity } = opening
  const file = core.logFile as VfsFile
  const before = sidecarToGoOnFrom(scan)
  const nextSeq = nextNumber(scan, before)
  // What a killed owner wrote counts from now on, so it has to be as durable as the rest.
  await withIo('Syncing', log, () => file.datasync())
  const sidecar = await announceOwner(core, opening, before, nextSeq)
  const { logId, generation, seed } = identity
  const acked = nextSeq - 1
  const start = { logId, generation, turn: 1, acked, synced: acked, offset: scan.soundEnd }
  const mark = await openMarkWriter(vfs, log, start)
  const tracker = trackerFor(scan, identity, acked)
  const queue = new AppendQueue({
    vfs,
    path: log,
    file,
    mark,
    tracker,
    offset: scan.soundEnd,
    seed,
    nextSeq,
    ack,
    maxRecordBytes,
    maxWaitingBytes,
    clock,
  })
  const count = scan.records ?? tracker.openBlock().total
  const { keptAside } = opening
  return { queue, mark, identity, head, records: { count, at: acked }, sidecar, keptAside }
}

/** 1 + the greatest number that anything names. */
function nextNumber(scan: LogScan, sidecar: Sidecar): number {
  const ends = sidecar.losses.flatMap(({ seq }) => (seq === null ? [] : [seq.last]))
  return Math.max(scan.lastSeq, scan.knownEnd, sidecar.nextSeq - 1, ...ends) + 1
}

async function announceOwner(
  core: StoreCore,
  { scan, identity, options }: Opening,
  before: Sidecar,
  nextSeq: number,
): Promise<Sidecar> {
  const { vfs, log, clock } = core.settings
  const counts = core.takeCounts()
  const totals = countAppends(before.totals, { seq: nextSeq - 1, offset: scan.soundEnd })
  const sidecar: Sidecar = {
    ...before,
    generation: identity.generation,
    next: null,
    pending: null,
    clean: false,
    closed: null,
    opened: { at: clock.now(), ...vfs.host },
    skipped: scan.skipped,
    ...verifiedPart(core),
    retention: options.retention === undefined ? before.retention : options.retention,
    totals: { ...totals, values: addCounts(totals.values, counts) },
  }
  try {
    await writeSidecarFile(vfs, log, sidecar)
  } catch (error) {
    core.putCountsBack(counts)
    throw error
  }
  return sidecar
}

/** Appends; see `Backend.append`. */
export function appendTo(core: StoreCore, facts: readonly AppendFact[]): Promise<AppendResult> {
  return enqueue(core, core.live?.queue ?? null, core.settings.maxWaitingBytes, facts)
}
