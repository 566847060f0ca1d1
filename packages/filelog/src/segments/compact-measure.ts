import { Buffer } from 'node:buffer'
import { FORMAT, encodeHead } from '../format/head.js'
import { seedOf } from '../format/checksum.js'
import { withIo } from '../rewrite/io.js'
import { markedBlocks, type MarkedFile } from '../rewrite/marked-blocks.js'
import {
  measureBlocks,
  measureChecksummed,
  RewriteMeter,
  type Measured,
} from '../rewrite/measure.js'
import { damaged } from '../rewrite/not-compacted.js'
import { comingBlocks, type ComingBlocks } from '../rewrite/open-tail.js'
import { readHead } from '../rewrite/read-head.js'
import { pacerOf, type Pacer } from '../scan/pacer.js'
import { pacedBy, type LongRead } from '../scan/read-options.js'
import type { SegmentsPlan, SegmentVerdict } from './compact-types.js'
import type { Manifest, SealedSegment } from './manifest.js'
import { sameSegment } from './names.js'
import { nextGeneration } from './next-generation.js'
import type { SegmentCore } from './segment-core.js'
import type { SegmentsView, SegmentView } from './view.js'

/**
 * Bytes that the store would have after this plan, which was made of this view: exact as long as
 * nothing is appended. A segment is read only if it would be rewritten. Rejects with
 * `anomalies_found`, `aborted`.
 */
export async function measureSegmentsPlan(
  core: SegmentCore,
  { manifest, segments }: SegmentsView,
  plan: SegmentsPlan,
  { bytesPerSecond, signal }: LongRead = {},
): Promise<number> {
  const pacer = pacerOf(bytesPerSecond)
  let bytes = 0
  for (const segment of segments) {
    const verdict = plan.verdicts.find((one) => sameSegment(one.segment, segment))
    if (verdict === undefined || segment.records === 0) {
      bytes += segment.bytes
      continue
    }
    bytes += await bytesLeft(core, { manifest, segment, verdict }, { pacer, signal })
    // The segment that takes the appends is sealed first, and an empty one is in its place.
    if (segment.state === 'active') bytes += headBytes(core, manifest, segment.lastSeq + 1)
  }
  return bytes
}

async function bytesLeft(
  core: SegmentCore,
  judged: {
    readonly manifest: Manifest
    readonly segment: SegmentView
    readonly verdict: SegmentVerdict
  },
  {
    pacer,
    signal,
  }: { readonly pacer: Pacer | undefined; readonly signal: AbortSignal | undefined },
): Promise<number> {
  const { manifest, segment, verdict } = judged
  if (verdict.action === 'drop') return 0
  const { vfs, dir } = core.settings
  const { path, bytes: size, lastSeq: through } = segment
  const opened = await withIo('Opening', path, () => vfs.open(path, 'read'))
  const file = pacedBy(opened, pacer, signal)
  try {
    const found = await readHead(file)
    if (found === null) throw damaged(path, 0, 'its head is damaged')
    const source = { file, size, start: found.end, seed: seedOf(manifest.logId) }
    const generation = nextGeneration(
      manifest,
      await withIo('Reading', dir, () => vfs.readdir(dir)),
    )
    const how = { ...(signal && { signal }), through, generation }
    const entry = manifest.segments.find((one) => sameSegment(one, segment))
    const blocks = await blocksOf({ ...source, signal }, segment, entry)
    let measured: Measured
    if (blocks === null) measured = await measureChecksummed(source, found, verdict.keep, how)
    else {
      const { head } = found
      const meter = new RewriteMeter({ head, path, through, generation, keep: verdict.keep })
      await measureBlocks(meter, { ...source, signal }, blocks.marks)
      if (blocks.tail !== null) meter.known(blocks.tail.mark, blocks.tail.metas)
      measured = meter.finish()
    }
    const { bytes, kept, dropped } = measured
    if (dropped === 0) return size
    return kept === 0 ? 0 : bytes
  } finally {
    await opened.close()
  }
}

/** The blocks as they will be when the segment is rewritten, which is sealed first. */
async function blocksOf(
  source: Omit<MarkedFile, 'entry'> & { readonly size: number },
  segment: SegmentView,
  entry: SealedSegment | undefined,
): Promise<ComingBlocks | null> {
  if (entry === undefined) return comingBlocks({ ...source, entry: segment })
  const marks = entry.checksum === '' ? null : await markedBlocks({ ...source, entry })
  return marks === null ? null : { marks, tail: null }
}

/** Bytes of a new segment that holds nothing. */
function headBytes(core: SegmentCore, manifest: Manifest, firstSeq: number): number {
  const { logId, generation, blockBytes } = manifest
  const created = core.settings.clock.now()
  const none = { nextSeq: firstSeq, compactedThrough: 0, records: 0 }
  const head = { format: FORMAT, logId, generation, firstSeq, ...none, created, blockBytes }
  return Buffer.byteLength(encodeHead(head))
}
