import type { Anomaly } from '@papyra/contracts'
import { countOf, without } from '../scan/intervals.js'
import { namedLosses } from '../scan/losses.js'
import type { VfsStat } from '../vfs.js'
import type { ActiveSegment, Manifest } from './manifest.js'
import { segmentName } from './names.js'
import { anomalyOf } from './scan-job.js'

/** What stands under the name of a segment; `nothing` if the file does not tell what it is. */
export type Stands = 'own' | 'nothing' | 'other' | 'foreign' | 'absent' | 'no_file' | 'refused'

export const WHY: Readonly<Record<Stands, string>> = {
  own: 'The segment cannot be read.',
  nothing: 'The segment cannot be read.',
  other: 'In its place stands a file of another segment.',
  foreign: 'In its place stands a file of another log.',
  absent: 'There is no such file.',
  refused: 'The system does not let us open it.',
  no_file: 'What stands there is no regular file.',
}

export function misplacedAnomaly(
  path: string,
  entry: ActiveSegment,
  seq: Anomaly['seq'],
  records: number,
): Anomaly {
  const detail = `This is the segment ${segmentName(entry)}, under another name.`
  return anomalyOf('misplaced_segment', path, detail, { offset: 0, seq, records })
}

/** How many of the numbers from `first` to `last` there were, as far as a manifest tells. */
export function numbersThere(
  { losses, skipped }: Pick<Manifest, 'losses' | 'skipped'>,
  first: number,
  last: number,
): number {
  let there = last < first ? [] : [{ first, last }]
  for (const known of [...namedLosses(losses), ...skipped])
    there = without(there, known.first, known.last)
  return countOf(there)
}

/** True if nothing was done to a file in between. */
export function sameStat(a: VfsStat, b: VfsStat | null): boolean {
  return (
    b !== null &&
    a.inode === b.inode &&
    a.size === b.size &&
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs
  )
}
