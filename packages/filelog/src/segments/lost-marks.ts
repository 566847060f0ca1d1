import { isPapyraError } from '@papyra/contracts'
import type { Vfs } from '../vfs.js'
import { readMarkFile } from '../write/mark-file.js'
import type { AckMark, AckMarkResult } from '../format/ack-mark.js'
import type { Folder } from './folder.js'
import { parseSegmentName, type SegmentId } from './names.js'

/** The mark of a segment, whether or not that is there. */
export interface SegmentMark {
  readonly segment: SegmentId
  /** The segment's name. */
  readonly name: string
  readonly result: AckMarkResult
}

const MARK = '.mark'

/** All marks in the folder of a store that have a segment's name. */
export async function marksIn(vfs: Vfs, folder: Folder): Promise<readonly SegmentMark[]> {
  const out: SegmentMark[] = []
  for (const file of folder.names) {
    const name = file.endsWith(MARK) ? file.slice(0, -MARK.length) : ''
    const segment = parseSegmentName(name)
    if (segment === null) continue
    out.push({ segment, name, result: await readMarkFile(vfs, folder.path(name)) })
  }
  return out
}

/** The mark beside a segment; `null` unless it is sound and of that log. */
export async function markOfLog(vfs: Vfs, path: string, logId: string): Promise<AckMark | null> {
  try {
    const read = await readMarkFile(vfs, path)
    return read.state === 'ok' && read.mark.logId === logId ? read.mark : null
  } catch (error) {
    if (isPapyraError(error, 'unreadable')) return null
    throw error
  }
}

/**
 * True if a mark proves that there was a store: it names a record, or cannot be read, or belongs to
 * another segment than the first. A creation that did not come to its end leaves none of these.
 */
export function provesStore({ segment, result }: SegmentMark): boolean {
  if (segment.firstSeq > 1 || result.state !== 'ok') return result.state !== 'missing'
  return result.mark.acked > 0
}
