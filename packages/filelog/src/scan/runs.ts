import type { Gap, Run } from './scan-items.js'

/** A new run of one or more records. */
export type NewRun = Omit<Run, 'ordinal'>

/** Adds the records that stand right behind a run. */
export function join(run: Run, next: NewRun): void {
  run.end = next.end
  run.lastSeq = next.lastSeq
  run.records += next.records
  run.ended = next.ended
}

/** Cuts a run at a gap inside it; gives the part behind the gap. */
export function splitAt(run: Run, gap: Gap): Run {
  const before = gap.ordinal - run.ordinal
  const back = {
    ...run,
    offset: gap.place,
    firstSeq: gap.last + 1,
    records: run.records - before,
    ordinal: gap.ordinal,
  }
  run.end = gap.place
  run.ended = true
  run.lastSeq = gap.first - 1
  run.records = before
  return back
}
