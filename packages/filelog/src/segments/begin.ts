import type {
  AppendFact,
  AppendResult,
  BeginOptions,
  BeginReport,
  SeqRange,
} from '@papyra/contracts'
import { join } from 'node:path'
import { enqueue } from '../rewrite/enqueue.js'
import { withIo } from '../rewrite/io.js'
import { addCounts, countAppends } from '../rewrite/ledger.js'
import { setTailAside } from '../rewrite/tail-aside.js'
import type { Identity, LogScan } from '../scan-types.js'
import type { VfsFile } from '../vfs.js'
import { tidyFolder } from './housekeeping.js'
import { ManifestKeeper } from './manifest-file.js'
import type { Manifest, SealedSegment } from './manifest.js'
import { sameSegment, segmentName, segmentPath } from './names.js'
import { closedContent, readActive } from './read-active.js'
import { activeOf, anomaliesInSegments, nextSeqOf, refusedSegments } from './scan-facts.js'
import type { SegmentsScan } from './scan-types.js'
import type { SegmentCore, SegmentsLive } from './segment-core.js'
import { currentSegmentsScan } from './store-scan.js'
import { takeUp } from './take-up.js'

/** Ends the gate; see `Backend.begin`. */
export async function beginSegments(
  core: SegmentCore,
  options: BeginOptions,
): Promise<BeginReport> {
  core.requireOwner('begin')
  core.live ??= await goLive(core, options)
  core.known = null
  const { queue, keptAside } = core.live
  return { nextSeq: queue.state.nextSeq, keptAside }
}

/** Appends; see `Backend.append`. */
export function appendToSegments(
  core: SegmentCore,
  facts: readonly AppendFact[],
): Promise<AppendResult> {
  return enqueue(core, core.live?.queue ?? null, core.settings.maxWaitingBytes, facts)
}

async function goLive(core: SegmentCore, options: BeginOptions): Promise<SegmentsLive> {
  const { vfs, dir } = core.settings
  const scan = await currentSegmentsScan(core, { coverage: 'auto' })
  const damaged = anomaliesInSegments(scan) > 0
  if (damaged && options.onDamage !== 'set_tail_aside') throw refusedSegments(scan)
  const { store, rebuilt } = scan
  const active = activeOf(scan)
  // What is left of the truth is written by a recovery, never here.
  if (store === null || rebuilt || active === null) throw refusedSegments(scan)
  await tidyFolder(vfs, scan, store)
  const path = segmentPath(dir, store.active)
  const file = await withIo('Opening', path, () => vfs.open(path, 'read-write'))
  try {
    return await openForAppends(core, { scan, store, active, file, damaged, options })
  } catch (error) {
    await file.close().catch(() => undefined)
    throw error
  }
}

interface Opening {
  readonly scan: SegmentsScan
  readonly store: Manifest
  readonly active: LogScan
  readonly file: VfsFile
  readonly damaged: boolean
  readonly options: BeginOptions
}

async function openForAppends(core: SegmentCore, opening: Opening): Promise<SegmentsLive> {
  const { vfs, dir } = core.settings
  const { scan, store, file, damaged } = opening
  let { active } = opening
  // What a killed owner wrote counts from now on, so it has to be as durable as the rest.
  await withIo('Syncing', file.path, () => file.datasync())
  let keptAside: readonly string[] = []
  if (damaged) {
    const aside = await setTailAside({ vfs, log: file.path, file }, active)
    keptAside = aside.keptAside
    // A last line that had to be ended was not what its block's figures say.
    if (aside.end !== active.soundEnd) active = { ...active, soundEnd: aside.end, openBlock: null }
  }
  const { identity, soundEnd: end } = active
  if (identity === null) throw refusedSegments(scan)
  const nextSeq = nextSeqOf(scan, store)
  const closed = store.clean ? store.closed : null
  const content =
    closedContent(closed, { end, lastSeq: nextSeq - 1 }) ??
    (await readActive(file, identity.seed, end))
  const manifest = new ManifestKeeper(vfs, dir, store)
  await announceOwner(core, manifest, { ...opening, active, identity, nextSeq })
  // Bytes that do not verify get no checksum that says they do.
  const sum = active.openBlock === null ? null : content.sum
  const { figures } = content
  const start = { file, scan: active, identity, nextSeq, figures, sum }
  const { queue, rotator } = await takeUp(core, manifest, start)
  return {
    queue,
    manifest,
    rotator,
    figures,
    keptAside,
    get file() {
      return rotator.active.file
    },
  }
}

/** Says in the manifest that the store is in use, before anything is acknowledged. */
async function announceOwner(
  core: SegmentCore,
  manifest: ManifestKeeper,
  at: Opening & { readonly identity: Identity; readonly nextSeq: number },
): Promise<void> {
  const { vfs, clock } = core.settings
  const { scan, active, nextSeq, options } = at
  const counts = core.takeCounts()
  const now = clock.now()
  const verified = scan.coverage === 'full' && !at.damaged
  try {
    await manifest.commit((before) => {
      const totals = countAppends(before.totals, { seq: nextSeq - 1, offset: active.soundEnd })
      return {
        ...before,
        clean: false,
        closed: null,
        opened: { at: now, ...vfs.host },
        nextSeq,
        // What could not be removed as long as something is missing or damaged stays on the list.
        obsolete: before.obsolete.filter((name) => isKept(name, scan)),
        segments: before.segments.map((entry) => stamped(entry, scan)),
        suspect: suspectsOf(scan, before),
        skipped: withSkipped(before.skipped, active.skipped),
        retention: options.retention === undefined ? before.retention : options.retention,
        totals: { ...totals, values: addCounts(totals.values, counts) },
        verifiedAt: verified ? now : before.verifiedAt,
      }
    })
  } catch (error) {
    core.putCountsBack(counts)
    throw error
  }
}

function isKept(name: string, { dir, extras }: SegmentsScan): boolean {
  return extras.some(({ what, path }) => what !== 'trace' && path === join(dir, name))
}

/** The entry with what its file looked like, if the scan has just verified it. */
function stamped(entry: SealedSegment, scan: SegmentsScan): SealedSegment {
  const found = scan.segments.find((one) => one.sealed && sameSegment(one.entry, entry))
  return found?.stamp === undefined ? entry : { ...entry, stamp: found.stamp }
}

/** Which segments are known to be damaged; a scan that read everything knows them all. */
function suspectsOf(scan: SegmentsScan, before: Manifest): readonly string[] {
  const found = scan.segments
    .filter(
      ({ state, scan: own }) =>
        state === 'damaged' || state === 'unreadable' || (own !== null && !own.bytesSound),
    )
    .map(({ entry }) => segmentName(entry))
  return scan.coverage === 'full' ? found : [...new Set([...before.suspect, ...found])]
}

function withSkipped(known: readonly SeqRange[], more: readonly SeqRange[]): readonly SeqRange[] {
  const seen = new Set(known.map(({ first, last }) => `${first} ${last}`))
  return [...known, ...more.filter(({ first, last }) => !seen.has(`${first} ${last}`))]
}
