import { PapyraError } from '@papyra/contracts'
import { withIo } from '../rewrite/io.js'
import type { VfsFile } from '../vfs.js'
import { ManifestKeeper } from './manifest-file.js'
import type { Manifest } from './manifest.js'
import { segmentPath } from './names.js'
import { readActive } from './read-active.js'
import { checksumText } from './rotate.js'
import { activeOf, anomaliesInSegments, nextSeqOf, refusedSegments } from './scan-facts.js'
import type { SegmentsScan } from './scan-types.js'
import type { SegmentCore, SegmentsLive } from './segment-core.js'
import { currentSegmentsScan } from './store-scan.js'
import { takeUp } from './take-up.js'

/**
 * Seals the active segment now, if it holds a record, and begins the next; false if it holds none.
 * Works on a store at rest (owned, not begun, scanned sound) and on one that takes appends, which
 * wait meanwhile. If it rejects, the active segment goes on as it was, unless the writer stopped.
 */
export async function rollOver(core: SegmentCore): Promise<boolean> {
  return core.live === null ? rollAtRest(core) : rollLive(core.live)
}

async function rollLive({ queue, rotator }: SegmentsLive): Promise<boolean> {
  await queue.pause()
  try {
    const { latched } = queue.state
    if (latched !== null) throw latched
    if (rotator.figures.records === 0) return false
    await rotator.roll()
    return true
  } finally {
    queue.resume()
  }
}

async function rollAtRest(core: SegmentCore): Promise<boolean> {
  const { vfs, dir } = core.settings
  const scan = await currentSegmentsScan(core, { coverage: 'auto' })
  const { store } = scan
  if (anomaliesInSegments(scan) > 0 || store === null || scan.rebuilt) {
    throw refusedSegments(scan, 'compacted')
  }
  if ((activeOf(scan)?.records ?? 0) === 0) return false
  const path = segmentPath(dir, store.active)
  const file = await withIo('Opening', path, () => vfs.open(path, 'read-write'))
  // From here on the scan is no longer how things are.
  core.known = null
  const open = { file }
  try {
    await sealAtRest(core, scan, store, open)
  } finally {
    await open.file.close().catch(() => undefined)
  }
  return true
}

async function sealAtRest(
  core: SegmentCore,
  scan: SegmentsScan,
  store: Manifest,
  open: { file: VfsFile },
): Promise<void> {
  const { vfs, dir, clock } = core.settings
  const { file } = open
  const active = activeOf(scan)
  if (active === null || active.identity === null) {
    throw new PapyraError('internal', `${file.path} has no identity`)
  }
  const { identity, soundEnd, openBlock } = active
  await withIo('Syncing', file.path, () => file.datasync())
  const { figures, sum: all } = await readActive(file, identity.seed, soundEnd)
  const manifest = new ManifestKeeper(vfs, dir, store)
  const nextSeq = nextSeqOf(scan, store)
  // Whoever comes after a kill must not take the figures of the last close for those of the file.
  if (store.clean) {
    const opened = { at: clock.now(), ...vfs.host }
    await manifest.commit((now) => ({ ...now, clean: false, closed: null, opened, nextSeq }))
  }
  const sum = openBlock === null ? null : all
  const { queue, rotator } = await takeUp(core, manifest, {
    ...{ file, scan: active, identity, nextSeq, figures, sum },
  })
  try {
    await rotator.roll()
  } finally {
    open.file = rotator.active.file
    await queue.close()
  }
  if (!store.clean) return
  const { acked, offset } = queue.state
  const checksum = checksumText(queue.sum)
  const at = clock.now()
  const closed = { at, lastSeq: acked, records: 0, bytes: offset, checksum, kinds: [] }
  await manifest.commit((now) => ({ ...now, clean: true, closed }))
}
