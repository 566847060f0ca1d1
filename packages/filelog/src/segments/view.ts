import { PapyraError, type RecordMeta } from '@papyra/contracts'
import { readMetaBatches } from '../scan/read-metas.js'
import type { LogSource } from '../scan/log-source.js'
import { pacerOf, type Pacer } from '../scan/pacer.js'
import { pacedBy, type LongRead } from '../scan/read-options.js'
import { seedOf } from '../format/checksum.js'
import { FiguresMeter, type KindFigures } from '../format/figures.js'
import type { BlockView, WithFile } from '../rewrite/block-views.js'
import type { MarkedSegment } from '../rewrite/marked-blocks.js'
import type { Manifest, SealedSegment } from './manifest.js'
import { segmentPath, type SegmentId } from './names.js'
import { openSegment, openSnapshot, sealedSource } from './read-source.js'
import { SegmentBlocks } from './segment-blocks.js'
import type { SegmentCore } from './segment-core.js'

/** One segment for whoever plans a compaction. */
export interface SegmentView extends SegmentId {
  readonly path: string
  readonly state: 'sealed' | 'active'
  readonly lastSeq: number
  readonly records: number
  readonly bytes: number
  readonly kinds: readonly KindFigures[]
  /** Its metas, newest first, many at a time; of the active one those up to lastSeq. */
  metas(options: { readonly signal?: AbortSignal }): AsyncIterable<readonly RecordMeta[]>
  /** The same in blocks, newest first, of which nothing but the marks is read; absent if it has none. */
  parts?(options: { readonly signal?: AbortSignal }): AsyncIterable<BlockView>
}

export interface SegmentsView {
  readonly manifest: Manifest
  /** Newest first. */
  readonly segments: readonly SegmentView[]
}

/**
 * The store as it is now; of the active segment what was acknowledged. All reads of it together go no
 * faster than is asked for.
 */
export async function segmentsView(
  core: SegmentCore,
  { bytesPerSecond, signal: stop }: LongRead = {},
): Promise<SegmentsView> {
  const { dir } = core.settings
  const pacer = pacerOf(bytesPerSecond)
  const { manifest, active } = await openSnapshot(core)
  const path = segmentPath(dir, manifest.active)
  if (active === null) throw gone(path)
  const { size } = active
  let figures: ActiveFigures
  try {
    const slowly = { ...active, file: pacedBy(active.file, pacer, stop) }
    figures = closedFigures(manifest, size) ?? (await readFigures(slowly, manifest, stop))
  } finally {
    await active.file.close()
  }
  const view: SegmentView = {
    ...manifest.active,
    path,
    state: 'active',
    ...figures,
    bytes: size,
    metas: ({ signal }) =>
      metasOf(core, { path, pacer, signal }, (file) => ({ ...active, file, size })),
  }
  const sealed = manifest.segments.map((entry) => sealedView(core, { manifest, entry, pacer }))
  return { manifest, segments: [view, ...sealed.reverse()] }
}

function sealedView(
  core: SegmentCore,
  { manifest, entry, pacer }: SealedPart & { readonly pacer: Pacer | undefined },
): SegmentView {
  const { firstSeq, generation, lastSeq, records, bytes, kinds } = entry
  const path = segmentPath(core.settings.dir, entry)
  const base = { firstSeq, generation, lastSeq, records, bytes, kinds, path }
  const metas: SegmentView['metas'] = ({ signal }) =>
    metasOf(core, { path, pacer, signal }, (file) => sealedSource(file, manifest, entry))
  const withFile: WithFile<MarkedSegment> = async (signal, work) => {
    core.requireOpen()
    const opened = await openSegment(core.settings.vfs, path)
    if (opened === null) throw gone(path)
    try {
      const file = pacedBy(opened, pacer, signal)
      const { start = 0 } = await sealedSource(file, manifest, entry)
      return await work({ file, start, seed: seedOf(manifest.logId), entry, signal })
    } finally {
      await opened.close()
    }
  }
  const blocks = new SegmentBlocks({ kinds, metas, marked: entry.checksum !== '', withFile })
  return { ...base, state: 'sealed', metas, parts: ({ signal }) => blocks.views(signal) }
}

interface SealedPart {
  readonly manifest: Manifest
  readonly entry: SealedSegment
}

interface MetasOf {
  readonly path: string
  readonly pacer: Pacer | undefined
  readonly signal: AbortSignal | undefined
}

async function* metasOf(
  core: SegmentCore,
  { path, pacer, signal }: MetasOf,
  sourceOf: (file: LogSource['file']) => LogSource | Promise<LogSource>,
): AsyncGenerator<readonly RecordMeta[], void, undefined> {
  core.requireOpen()
  const file = await openSegment(core.settings.vfs, path)
  if (file === null) throw gone(path)
  try {
    const source = await sourceOf(pacedBy(file, pacer, signal))
    yield* readMetaBatches(source, { order: 'newest', ...(signal && { signal }) })
  } finally {
    await file.close()
  }
}

function gone(path: string): PapyraError {
  const text = `${path} is not there: it is missing, or was compacted away since the store was looked at.`
  return new PapyraError('io_error', text, {
    details: { path },
    hint: 'Try again, or scan the store.',
  })
}

type ActiveFigures = Pick<SegmentView, 'lastSeq' | 'records' | 'kinds'>

/** What a clean close said of the active segment, if it still fits. */
function closedFigures({ clean, closed }: Manifest, size: number): ActiveFigures | null {
  if (!clean || closed === null || closed.bytes !== size) return null
  const { lastSeq, records, kinds } = closed
  return { lastSeq, records, kinds }
}

/** Reads the active segment, which is bounded in size, for what it holds. */
async function readFigures(
  source: LogSource,
  manifest: Manifest,
  signal: AbortSignal | undefined,
): Promise<ActiveFigures> {
  const meter = new FiguresMeter()
  let lastSeq = manifest.active.firstSeq - 1
  const query = { order: 'oldest' as const, ...(signal && { signal }) }
  for await (const batch of readMetaBatches(source, query)) {
    for (const meta of batch) meter.add(meta)
    lastSeq = batch.at(-1)?.seq ?? lastSeq
  }
  return { lastSeq, records: meter.records, kinds: meter.kinds() }
}
