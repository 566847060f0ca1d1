import { BLOCK_BYTES, FORMAT } from '../format/head.js'
import { seedOf } from '../format/checksum.js'
import { readMetaBatches } from '../scan/read-metas.js'
import { FiguresMeter } from '../format/figures.js'
import type { Manifest, SealedSegment } from './manifest.js'
import type { Candidate } from './rebuild-candidates.js'
import type { SegmentsJob } from './scan-job.js'
import { sumOf } from './scan-sealed.js'

/** A manifest for the segments that were found; what an older one says beside them stays. */
export async function manifestOf(
  job: SegmentsJob,
  base: Manifest | null,
  {
    logId,
    chosen,
    generation,
    knownEnd,
  }: {
    readonly logId: string
    readonly chosen: readonly Candidate[]
    readonly generation: number
    readonly knownEnd: number
  },
): Promise<Manifest> {
  const last = chosen.at(-1) as Candidate
  const segments: SealedSegment[] = []
  for (const candidate of chosen.slice(0, -1)) segments.push(await sealOf(job, logId, candidate))
  const heads = chosen.flatMap(({ look }) => (look.head?.logId === logId ? [look.head] : []))
  return {
    ...(base ?? blankManifest(logId)),
    created: base?.created ?? Math.min(...heads.map(({ created }) => created), Date.now()),
    blockBytes: base?.blockBytes ?? heads.at(-1)?.blockBytes ?? BLOCK_BYTES,
    generation: Math.max(generation, base?.generation ?? 0),
    clean: false,
    closed: null,
    nextSeq: Math.max(knownEnd, last.lastSeq, (base?.nextSeq ?? 1) - 1) + 1,
    segments,
    active: {
      firstSeq: last.firstSeq,
      generation: last.generation,
      created: last.look.head?.created ?? 0,
    },
    obsolete: [],
    suspect: [],
    verifiedAt: null,
  }
}

/** Of a store of which nothing is known but its id. */
export function blankManifest(logId: string): Manifest {
  return {
    format: FORMAT,
    logId,
    generation: 1,
    edit: 0,
    created: 0,
    blockBytes: BLOCK_BYTES,
    clean: false,
    closed: null,
    opened: null,
    nextSeq: 1,
    segments: [],
    active: { firstSeq: 1, generation: 1, created: 0 },
    obsolete: [],
    suspect: [],
    retention: null,
    history: [],
    losses: [],
    skipped: [],
    totals: { values: {}, countedSeq: 0, countedBytes: 0 },
    baseline: null,
    verifiedAt: null,
  }
}

async function sealOf(
  { vfs, folder, options }: SegmentsJob,
  logId: string,
  candidate: Candidate,
): Promise<SealedSegment> {
  const { file: name, firstSeq, generation, lastSeq, scan, look } = candidate
  const { signal } = options
  const seed = seedOf(logId)
  const meter = new FiguresMeter()
  const file = await vfs.open(folder.path(name), 'read')
  try {
    const { size, mtimeNs } = await file.stat()
    const checksum = await sumOf({ logId, signal }, file, size)
    const source = { file, size, seed, start: look.headEnd }
    const query = { order: 'oldest' as const, onDamage: () => undefined, ...(signal && { signal }) }
    for await (const batch of readMetaBatches(source, query))
      for (const meta of batch) if (meta.seq >= firstSeq && meta.seq <= lastSeq) meter.add(meta)
    return {
      firstSeq,
      generation,
      lastSeq,
      compactedThrough: look.head?.compactedThrough ?? 0,
      records: scan.records ?? 0,
      bytes: size,
      checksum: checksum ?? '',
      kinds: meter.kinds(),
      created: look.head?.created ?? 0,
      sealed: Number(mtimeNs / 1_000_000n),
    }
  } finally {
    await file.close()
  }
}
