import type { KindFigures } from '../format/figures.js'
import type { SegmentDescription } from '@papyra/contracts'
import type { Vfs } from '../vfs.js'
import { listFolder } from './folder.js'
import type { Manifest } from './manifest.js'
import { parseSegmentName, type SegmentId, segmentPath } from './names.js'
import type { ActiveReach } from './rotate.js'

interface Content {
  readonly lastSeq: number
  readonly records: number
  readonly bytes: number
  readonly kinds: readonly KindFigures[]
}

/** The segments as the manifest has them, oldest first; the active one as far as it reaches. */
export function describedSegments(
  dir: string,
  { segments, active }: Manifest,
  reach: ActiveReach & { readonly bytes: number },
): readonly SegmentDescription[] {
  const sealed = segments.map((segment) =>
    described(dir, segment, segment, { created: segment.created, sealed: segment.sealed }),
  )
  const { seq: lastSeq, records, bytes, kinds } = reach
  const content = { lastSeq, records, bytes, kinds }
  return [...sealed, described(dir, active, content, { created: active.created, sealed: null })]
}

function described(
  dir: string,
  id: SegmentId,
  { lastSeq, records, bytes, kinds }: Content,
  { created, sealed }: { readonly created: number; readonly sealed: number | null },
): SegmentDescription {
  const least = kinds.flatMap(({ minTimestamp: at }) => (at === null ? [] : [at]))
  const most = kinds.flatMap(({ maxTimestamp: at }) => (at === null ? [] : [at]))
  return {
    path: segmentPath(dir, id),
    state: sealed === null ? 'active' : 'sealed',
    generation: id.generation,
    firstSeq: id.firstSeq,
    lastSeq,
    records,
    bytes,
    minTimestamp: least.length === 0 ? null : Math.min(...least),
    maxTimestamp: most.length === 0 ? null : Math.max(...most),
    kinds: Object.fromEntries(kinds.map((k) => [k.kind, { records: k.records, bytes: k.bytes }])),
    createdAt: created,
    sealedAt: sealed,
  }
}

/** Where there is no sound manifest: what the names of the segments and their sizes say. */
export async function describedByName(
  vfs: Vfs,
  dir: string,
): Promise<readonly SegmentDescription[]> {
  const folder = await listFolder(vfs, dir)
  const found: { id: SegmentId; bytes: number; created: number }[] = []
  for (const name of await folder.segmentFiles()) {
    const id = parseSegmentName(name)
    if (id === null) continue
    const { size = 0 } = (await folder.stat(name)) ?? {}
    const { created = 0 } = (await folder.look(name))?.head ?? {}
    found.push({ id, bytes: size, created })
  }
  return found.map(({ id, bytes, created }, i) => {
    const next = found[i + 1]?.id.firstSeq
    const content = { lastSeq: (next ?? id.firstSeq) - 1, records: 0, bytes, kinds: [] }
    // When it was sealed is not known; not before it was made.
    return described(dir, id, content, { created, sealed: next === undefined ? null : created })
  })
}
