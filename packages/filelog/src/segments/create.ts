import { PapyraError } from '@papyra/contracts'
import { BLOCK_BYTES, FORMAT } from '../format/head.js'
import { isOwnTemp, markPath } from '../format/names.js'
import { withIo } from '../rewrite/io.js'
import type { Vfs } from '../vfs.js'
import { type Folder, listFolder } from './folder.js'
import { marksIn, provesStore } from './lost-marks.js'
import { writeManifestFile } from './manifest-file.js'
import type { Manifest } from './manifest.js'
import { parseSegmentName, type SegmentId, segmentName } from './names.js'
import { closeSegmentFiles, makeSegment, type MadeSegment, removeIfThere } from './new-segment.js'
import { checksumText } from './rotate.js'

const FIRST: SegmentId = { firstSeq: 1, generation: 1 }
const MANIFEST = 'manifest.json'
/** No head is longer. */
const MOST_HEAD_BYTES = 4096

/**
 * Makes a new, empty store; only for the owner of the lock, who has seen that there is none. The
 * manifest comes last, in one step: until then there is no store. Rejects with `store_exists` beside
 * files that a scan would take for segments.
 */
export async function createSegments(
  vfs: Vfs,
  dir: string,
  options: { readonly now: number; readonly blockBytes?: number | undefined },
): Promise<string> {
  const { now, blockBytes = BLOCK_BYTES } = options
  const folder = await listFolder(vfs, dir)
  await refuseLogs(folder)
  await clearLeftovers(vfs, folder)
  const logId = vfs.randomHex(16)
  const made = await makeSegment(vfs, dir, { ...FIRST, logId, created: now, blockBytes }, null)
  await closeSegmentFiles(made)
  await writeManifestFile(vfs, dir, firstManifest(made))
  return logId
}

function firstManifest({ logId, created, blockBytes, offset, sum }: MadeSegment): Manifest {
  const entry = { what: 'created', at: created, recordsRemoved: 0, bytesRemoved: 0 } as const
  const checksum = checksumText(sum)
  return {
    format: FORMAT,
    logId,
    generation: FIRST.generation,
    edit: 1,
    created,
    blockBytes,
    clean: true,
    closed: { at: created, lastSeq: 0, records: 0, bytes: offset, checksum, kinds: [] },
    opened: null,
    nextSeq: 1,
    segments: [],
    active: { ...FIRST, created },
    obsolete: [],
    suspect: [],
    retention: null,
    history: [{ ...entry, generation: FIRST.generation, detail: '' }],
    losses: [],
    skipped: [],
    totals: { values: {}, countedSeq: 0, countedBytes: offset },
    baseline: null,
    // Every byte was just written.
    verifiedAt: created,
  }
}

async function refuseLogs(folder: Folder): Promise<void> {
  const other = (await folder.segmentFiles()).find((name) => name !== segmentName(FIRST))
  if (other === undefined) return
  const found = folder.path(other)
  throw new PapyraError('store_exists', `${found} looks like a segment of a store.`, {
    details: { path: folder.dir, found },
    hint: 'Name an empty folder, or move the files that end in .ndjson elsewhere.',
  })
}

/** Temporary files of the manifest and of the first mark, which a killed creation may leave. */
function isLeftover(name: string): boolean {
  return isOwnTemp(MANIFEST, name) || isOwnTemp(markPath(segmentName(FIRST)), name)
}

async function clearLeftovers(vfs: Vfs, folder: Folder): Promise<void> {
  let removed = false
  for (const name of folder.names.filter(isLeftover)) {
    removed = (await removeIfThere(vfs, folder.path(name))) || removed
  }
  if (removed) await withIo('Syncing', folder.dir, () => vfs.syncDir(folder.dir))
}

/**
 * True if the folder holds a store, a damaged one too, also if only a mark is left of it. What a
 * creation left that did not come to its manifest is none: no record can be in it.
 */
export async function hasStore(vfs: Vfs, folder: Folder): Promise<boolean> {
  if (folder.names.includes(MANIFEST)) return true
  const segments = folder.names.filter((name) => parseSegmentName(name) !== null)
  if ((await marksIn(vfs, folder)).some(provesStore)) return true
  if (segments.length === 0) return false
  const first = segmentName(FIRST)
  if (segments.length > 1 || segments[0] !== first) return true
  return !(await isBare(folder, first))
}

/** True if the file has no more than a head, which a power cut may have torn. */
async function isBare(folder: Folder, name: string): Promise<boolean> {
  const stat = await folder.stat(name)
  if (stat === null) return true
  if (stat.type !== 'file' || stat.size > MOST_HEAD_BYTES) return false
  const look = await folder.look(name)
  if (folder.refusal(name) !== null) return false
  return look === null || look.head === null || look.headEnd === look.size
}
