import { PapyraError, type ReadQuery, type RecordMeta, type StoredRecord } from '@papyra/contracts'
import { seedOf } from '../format/checksum.js'
import { FileWindow } from '../scan/file-window.js'
import { forEachLine } from '../scan/for-each-line.js'
import type { LogSource } from '../scan/log-source.js'
import { readBackward } from '../scan/read-backward.js'
import { readForward } from '../scan/read-forward.js'
import { readMetaBatches } from '../scan/read-metas.js'
import { slowedDown, type LongRead } from '../scan/read-options.js'
import { recognise } from '../scan/recognise.js'
import type { Vfs, VfsFile } from '../vfs.js'
import { errnoOf } from '../write/io-error.js'
import { type Beside, readBeside } from '../scan/beside.js'
import { guarded, withIo } from './io.js'
import { readHead } from './read-head.js'
import type { StoreCore } from './store-core.js'

/** How much of a log without a head is looked at to recognise it. */
const LOOK_BYTES = 1024 * 1024

/** How often a reader begins again because the log was replaced meanwhile. */
const MOST_TRIES = 20

/**
 * Opens the log for one reader. It keeps this file, and so a consistent view, whatever is renamed
 * over it later. Nothing beyond what was acknowledged is seen, as far as that can be told.
 */
export function openSource(core: StoreCore): Promise<LogSource> {
  return guarded(core.settings.log, () => openView(core))
}

async function openView(core: StoreCore): Promise<LogSource> {
  const { vfs, log } = core.settings
  for (let tries = 0; ; tries++) {
    const file = await openForReading(vfs, log)
    let source: LogSource | null = null
    try {
      source = await viewOf(core, file)
      if (source !== null) return source
    } finally {
      if (source === null) await file.close()
    }
    if (tries >= MOST_TRIES) {
      throw new PapyraError(
        'io_error',
        `${log} was replaced again and again while it was opened.`,
        {
          details: { path: log },
        },
      )
    }
  }
}

async function openForReading(vfs: Vfs, log: string): Promise<VfsFile> {
  try {
    return await vfs.open(log, 'read')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      throw new PapyraError('store_not_found', `There is no log at ${log}.`, {
        details: { path: log },
      })
    }
    return await withIo('Opening', log, () => Promise.reject(error as Error))
  }
}

/** The part of the file that may be read; `null` if the file was replaced since it was opened. */
async function viewOf(core: StoreCore, file: VfsFile): Promise<LogSource | null> {
  const { vfs, log } = core.settings
  const found = await readHead(file)
  const { size } = await withIo('Looking at', log, () => file.stat())
  const beside = await readBeside(vfs, log)
  const { mark, sidecar } = beside
  if (found === null) return withoutHead(file, size, beside)
  const { head, end: start } = found
  const base = { file, seed: seedOf(head.logId), start }
  if (mark.state !== 'ok' || mark.mark.logId !== head.logId) return { ...base, size }
  if (mark.mark.generation > head.generation) return null
  // A mark of the generation before: the new log was complete when it came, and `size` is older than
  // the mark that an owner writes before it goes on.
  if (mark.mark.generation < head.generation) return { ...base, size }
  const { offset } = mark.mark
  if (offset > size) return { ...base, size: await reachOf(file, offset) }
  const meta = sidecar.state === 'ok' ? sidecar.sidecar : null
  const sameBoot = meta !== null && !meta.clean && meta.opened?.bootId === vfs.host.bootId
  // Where the owner lives (it may be us), or was merely killed, the mark is exact.
  if (core.live !== null || (core.lock === null && sameBoot)) return { ...base, size: offset }
  return { ...base, size: await endOfTail(base, offset, size) }
}

/**
 * How far to read where the mark says more than the size did: that was taken in the midst of a write,
 * which has ended since, unless the file was cut.
 */
export async function reachOf(file: VfsFile, offset: number): Promise<number> {
  const { size } = await withIo('Looking at', file.path, () => file.stat())
  return Math.min(offset, size)
}

/**
 * Where the log ends for a reader: beyond what the mark says was acknowledged, an unfinished tail is
 * no damage. If something sound stands behind what is not, all of it is read, and the damage told.
 */
export async function endOfTail(
  source: { readonly file: VfsFile; readonly seed: number },
  from: number,
  to: number,
): Promise<number> {
  let end = from
  let bad = false
  let soundBehind = false
  await forEachLine(
    source.file,
    { from, to, seed: source.seed },
    (_c, _s, _e, offset, _h, sound, length, size) => {
      if (!sound || length <= size) bad = true
      else if (bad) soundBehind = true
      else end = Math.min(to, offset + length)
    },
  )
  return soundBehind ? to : end
}

/** A log whose head does not tell: what stands beside it does, or its lines, or it is plain. */
async function withoutHead(
  file: VfsFile,
  size: number,
  { sidecar, mark }: Beside,
): Promise<LogSource> {
  const base = { file, size, start: 0 }
  if (sidecar.state === 'ok') return { ...base, seed: seedOf(sidecar.sidecar.logId) }
  if (mark.state === 'ok') return { ...base, seed: seedOf(mark.mark.logId) }
  if (size === 0) return { ...base, seed: null }
  const bare = sidecar.state === 'missing' && mark.state === 'missing'
  const found = await recognise(new FileWindow(file, size, LOOK_BYTES), bare)
  if (found.what === 'checksummed') return { ...base, seed: found.seed }
  if (found.what === 'plain') return { ...base, seed: null }
  const { path } = file
  throw new PapyraError('not_a_log', `${path} cannot be read: ${found.detail}`, {
    details: { path },
  })
}

/** Rejects what no read can be asked. */
export function checkQuery({ limit, order }: ReadQuery): void {
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
    throw new PapyraError(
      'invalid_argument',
      `limit must be a positive whole number, not ${limit}.`,
    )
  }
  if (order !== undefined && order !== 'oldest' && order !== 'newest') {
    throw new PapyraError(
      'invalid_argument',
      `order must be oldest or newest, not ${String(order)}.`,
    )
  }
}

/** Reads records; see `Backend.read`. */
export async function* readRecords(
  core: StoreCore,
  query: ReadQuery = {},
): AsyncGenerator<StoredRecord, void, undefined> {
  core.requireOpen()
  checkQuery(query)
  const source = await openSource(core)
  try {
    const newest = query.order === 'newest'
    yield* newest ? readBackward(source, query) : readForward(source, query)
  } finally {
    await source.file.close()
  }
}

/** What retention needs of each record, newest first; see `Backend.readMeta`. */
export async function* readRecordMetas(
  core: StoreCore,
  options: LongRead = {},
): AsyncGenerator<RecordMeta, void, undefined> {
  for await (const batch of readRecordMetaBatches(core, options)) yield* batch
}

/** The same, many at a time. */
export async function* readRecordMetaBatches(
  core: StoreCore,
  options: LongRead = {},
): AsyncGenerator<readonly RecordMeta[], void, undefined> {
  core.requireOpen()
  const { signal } = options
  const source = await openSource(core)
  try {
    yield* readMetaBatches(slowedDown(source, options), {
      order: 'newest',
      ...(signal && { signal }),
    })
  } finally {
    await source.file.close()
  }
}
