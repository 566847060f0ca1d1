import type { RecordedLoss, SeqRange } from '@papyra/contracts'
import { FORMAT } from '../format/head.js'
import { newSidecar, type Sidecar } from '../format/sidecar.js'
import { within } from '../scan/intervals.js'
import { namedLosses } from '../scan/losses.js'
import type { Given } from '../scan/open-log.js'
import type { ActiveSegment, Manifest, SealedSegment } from './manifest.js'
import { segmentPath } from './names.js'

/** Of a sealed segment nothing but its bytes counts. */
const NO_FINGERPRINT = { inode: '', size: 0, mtimeNs: '', ctimeNs: '' }

/** The recorded losses that name numbers of a range, and only those numbers. */
function lossesWithin(
  losses: readonly RecordedLoss[],
  first: number,
  last: number,
): RecordedLoss[] {
  return losses.flatMap((loss) =>
    within(namedLosses([loss]), first, last).map((seq) => ({
      ...loss,
      seq,
      records: seq.last - seq.first + 1,
    })),
  )
}

function sidecarOf(
  manifest: Manifest,
  entry: ActiveSegment,
  range: SeqRange,
  more: Partial<Sidecar>,
): Sidecar {
  const { logId } = manifest
  const { generation, created } = entry
  const { first, last } = range
  return {
    ...newSidecar({ logId, generation, created, format: FORMAT }),
    opened: manifest.opened,
    losses: lossesWithin(manifest.losses, first, last),
    skipped: within(manifest.skipped, first, last),
    ...more,
  }
}

/** What the manifest says of a sealed segment, as what stands beside a log. */
export function givenOfSealed(dir: string, manifest: Manifest, entry: SealedSegment): Given {
  const { logId, blockBytes } = manifest
  const { firstSeq, lastSeq, generation, compactedThrough, records, bytes } = entry
  const above = Math.max(0, lastSeq - Math.max(compactedThrough, firstSeq - 1))
  const region = compactedThrough === 0 ? 0 : Math.max(0, records - above)
  const closed = { at: entry.sealed, lastSeq, records, bytes, fingerprint: NO_FINGERPRINT }
  return {
    sidecar: sidecarOf(
      manifest,
      entry,
      { first: firstSeq, last: lastSeq },
      {
        clean: true,
        closed,
        nextSeq: lastSeq + 1,
        compactedThrough,
        region: { records: region, bytes, lastSeq: compactedThrough },
      },
    ),
    mark: { logId, generation, turn: 1, acked: lastSeq, synced: lastSeq, offset: bytes },
    markOf: segmentPath(dir, entry),
    firstSeq,
    blockBytes,
  }
}

/** The same of the active segment, but for its mark, which is beside it. */
export function givenOfActive(dir: string, manifest: Manifest): Given {
  const { active, blockBytes, clean, closed, nextSeq } = manifest
  const { firstSeq } = active
  const figures = closed === null ? null : { ...closed, fingerprint: NO_FINGERPRINT }
  const range = { first: firstSeq, last: Number.MAX_SAFE_INTEGER }
  return {
    sidecar: sidecarOf(manifest, active, range, {
      clean,
      closed: figures,
      nextSeq: Math.max(nextSeq, firstSeq),
    }),
    mark: null,
    markOf: segmentPath(dir, active),
    firstSeq,
    blockBytes,
  }
}
