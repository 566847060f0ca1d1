import { PapyraError, type LongOperation, type SeqRange } from '@papyra/contracts'
import { hex8, seedOf } from '../format/checksum.js'
import { copyWithProgress } from '../rewrite/compact-job.js'
import { copyBlocks } from '../rewrite/copy-blocks.js'
import { RecordCopier } from '../rewrite/copy-records.js'
import { discardFile, withIo } from '../rewrite/io.js'
import type { Keep } from '../rewrite/keep.js'
import { markedBlocks } from '../rewrite/marked-blocks.js'
import { damaged } from '../rewrite/not-compacted.js'
import { readHead } from '../rewrite/read-head.js'
import { LogRewriter } from '../rewrite/rewriter.js'
import { type Ranges, union } from '../scan/intervals.js'
import { type Pacer, paced } from '../scan/pacer.js'
import type { Vfs, VfsFile } from '../vfs.js'
import { errnoOf, ioError } from '../write/io-error.js'
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
 * nothing refers to yet. Blocks of which nothing stays are not read where the marks of the segment are
 * chained from its head to its end. What is read is verified: each block or line, and the order of the
 * numbers; where marks do not say enough, the checksum of the whole file too. Rejects with
 * `anomalies_found` where that fails, and then, as after every error, has left nothing.
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
  const missing = missingIn(manifest, entry)
  const copier = new RecordCopier({ source, rewriter, head, keep, signal, missing })
  try {
    await copyRecords(job, { source, summing, copier, rewriter, start: end })
    if (copier.dropped === 0 || rewriter.records === 0) {
      await rewriter.discard()
      return copier.dropped === 0 ? { goes: 'nothing' } : { goes: 'everything' }
    }
    return { goes: 'something', entry: await finish(job, rewriter) }
  } catch (error) {
    await rewriter.discard()
    throw error
  }
}

interface Copy {
  readonly source: VfsFile
  readonly summing: SummingFile
  readonly copier: RecordCopier
  readonly rewriter: LogRewriter
  /** Where the first block begins. */
  readonly start: number
}

/** By its marks, of which only what may stay is read; else all of it, by its lines. */
async function copyRecords(job: SegmentRewrite, copy: Copy): Promise<void> {
  const { entry, manifest, signal } = job
  const { source, summing, copier, rewriter, start } = copy
  const segment = { file: source, seed: seedOf(manifest.logId), start, entry, signal }
  // Without a checksum the owner that sealed it knew that its bytes are not to be taken as they are.
  const marks = entry.checksum === '' ? null : await markedBlocks(segment)
  if (marks !== null) {
    const from = { source: segment, marks, readAll: false, totalBytes: entry.bytes }
    await copyBlocks({ ...job, ...from, copier })
  } else await copyWithProgress({ copier, rewriter }, job, start, entry.bytes)
  copier.finish(entry.lastSeq, entry.bytes)
  if (marks === null) await requireSeal(job, copier.seen, summing)
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
  if (checksum !== '' && sum !== checksum) {
    throw damaged(path, 0, `its checksum is ${sum}, not ${checksum}`)
  }
}

async function finish(
  { vfs, entry, generation }: SegmentRewrite,
  rewriter: LogRewriter,
): Promise<SealedSegment> {
  const { file, size, records, sum, kinds } = await rewriter.finish(entry.lastSeq)
  if (sum === null || kinds === null) {
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
    kinds,
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
