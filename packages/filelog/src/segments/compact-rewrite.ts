import { PapyraError, type LongOperation, type SeqRange } from '@papyra/contracts'
import { hex8, seedOf } from '../format/checksum.js'
import { copyWithProgress } from '../rewrite/compact-job.js'
import { RecordCopier } from '../rewrite/copy-records.js'
import { discardFile, withIo } from '../rewrite/io.js'
import type { Keep } from '../rewrite/keep.js'
import { readHead } from '../rewrite/read-head.js'
import { LogRewriter } from '../rewrite/rewriter.js'
import { type Ranges, union } from '../scan/intervals.js'
import { type Pacer, paced } from '../scan/pacer.js'
import type { Vfs, VfsFile } from '../vfs.js'
import { errnoOf, ioError } from '../write/io-error.js'
import { FiguresMeter } from './figures.js'
import { isHeadOf } from './folder.js'
import type { Manifest, SealedSegment } from './manifest.js'
import { segmentPath } from './names.js'
import { removeIfThere } from './new-segment.js'
import { stampOf } from './stamp.js'
import { SummingFile } from './summing-file.js'

export interface SegmentRewrite extends LongOperation {
  readonly vfs: Vfs
  readonly dir: string
  readonly manifest: Manifest
  readonly entry: SealedSegment
  readonly keep: Keep
  /** Of the new file. */
  readonly generation: number
  readonly pacer: Pacer | undefined
}

/** `nothing`: all of it stays, `everything`: none of it does; then there is no new file. */
export type Rewritten =
  | { readonly goes: 'nothing' }
  | { readonly goes: 'everything' }
  | { readonly goes: 'something'; readonly entry: SealedSegment }

/**
 * Copies what stays of a sealed segment into a new file, which is durable when it resolves and which
 * nothing refers to yet. Everything that is read is verified: each line, the order of the numbers,
 * and the checksum of the whole file. Rejects with `anomalies_found` where that fails, and then, as
 * after every error, has left nothing.
 */
export async function rewriteSegment(job: SegmentRewrite): Promise<Rewritten> {
  const { vfs, dir, entry, manifest, pacer, signal } = job
  const opened = await openSegment(vfs, segmentPath(dir, entry))
  const summing = new SummingFile(opened, seedOf(manifest.logId))
  const source = pacer === undefined ? summing : paced(summing, pacer, signal)
  try {
    return await copy(job, source, summing)
  } finally {
    await opened.close()
  }
}

async function openSegment(vfs: Vfs, path: string): Promise<VfsFile> {
  try {
    return await vfs.open(path, 'read')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw damaged(path, 0, 'it is missing')
    throw ioError(error, 'Opening', path, 'unreadable')
  }
}

async function copy(
  job: SegmentRewrite,
  source: VfsFile,
  summing: SummingFile,
): Promise<Rewritten> {
  const { vfs, dir, entry, manifest, keep, generation, pacer, signal } = job
  const { path } = source
  const looks = await withIo('Looking at', path, () => source.stat())
  if (looks.size !== entry.bytes) throw damaged(path, 0, `it has ${looks.size} bytes`)
  const found = await readHead(source)
  if (found === null || !isHeadOf(found.head, manifest.logId, entry)) {
    throw damaged(path, 0, 'its head is damaged')
  }
  const { head, end } = found
  const { nextSeq: _n, compactedThrough: _c, records: _r, ...plan } = head
  const next = segmentPath(dir, { firstSeq: entry.firstSeq, generation })
  // What an earlier attempt left: no manifest names it.
  await removeIfThere(vfs, next)
  const how = { pacer, signal, sum: true }
  const rewriter = await LogRewriter.createAt(vfs, next, looks, { ...plan, generation }, how)
  const meter = new FiguresMeter()
  const missing = missingIn(manifest, entry)
  const onKept = meter.add.bind(meter)
  const copier = new RecordCopier({ source, rewriter, head, keep, signal, onKept, missing })
  try {
    await copyWithProgress({ copier, rewriter }, job, end, entry.bytes)
    copier.finish(entry.lastSeq, entry.bytes)
    await requireSeal(job, copier.seen, summing)
    if (copier.dropped === 0 || rewriter.records === 0) {
      await rewriter.discard()
      return copier.dropped === 0 ? { goes: 'nothing' } : { goes: 'everything' }
    }
    return { goes: 'something', entry: await finish(job, rewriter, meter) }
  } catch (error) {
    await rewriter.discard()
    throw error
  }
}

/** What was read has to be what was sealed. */
async function requireSeal(
  { dir, entry }: SegmentRewrite,
  seen: number,
  summing: SummingFile,
): Promise<void> {
  const path = segmentPath(dir, entry)
  const { records, bytes, checksum } = entry
  if (seen !== records) throw damaged(path, 0, `${seen} of ${records} records were found`)
  const sum = await summing.sumOf(bytes)
  // Without one the owner that sealed it knew that its bytes are not to be taken as they are.
  if (checksum !== '' && sum !== checksum) {
    throw damaged(path, 0, `its checksum is ${sum}, not ${checksum}`)
  }
}

async function finish(
  { vfs, entry, generation }: SegmentRewrite,
  rewriter: LogRewriter,
  meter: FiguresMeter,
): Promise<SealedSegment> {
  const { file, size, records, sum } = await rewriter.finish(entry.lastSeq)
  if (sum === null || meter.records !== records) {
    throw new PapyraError('internal', `${file.path} was not summed up`)
  }
  let stamp: string
  try {
    stamp = stampOf(await withIo('Looking at', file.path, () => file.stat()))
    await withIo('Closing', file.path, () => file.close())
  } catch (error) {
    await discardFile(vfs, file)
    throw error
  }
  return {
    ...entry,
    generation,
    compactedThrough: entry.lastSeq,
    records,
    bytes: size,
    checksum: hex8(sum),
    kinds: meter.kinds(),
    stamp,
  }
}

/** Numbers that are missing in a segment and known to be: recorded as lost, or left out. */
function missingIn({ losses, skipped }: Manifest, { firstSeq, lastSeq }: SealedSegment): Ranges {
  const named = losses.flatMap(({ seq }): SeqRange[] => (seq === null ? [] : [seq]))
  return union(named, [...skipped]).filter(
    ({ first, last }) => last >= firstSeq && first <= lastSeq,
  )
}

export function damaged(path: string, offset: number, what: string): PapyraError {
  return new PapyraError('anomalies_found', `${path} was not compacted: ${what}.`, {
    details: { path, offset },
  })
}
