import type { ExtraGroup, Gap, Run } from './scan-items.js'

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

/** Takes the records behind a jump out of what is kept. */
export function takeBack(kept: Run[], jump: Gap): Run[] {
  const early: Run[] = []
  while ((kept.at(-1)?.ordinal ?? -1) >= jump.ordinal) early.unshift(kept.pop() as Run)
  const last = kept.at(-1)
  if (last !== undefined && last.ordinal + last.records > jump.ordinal) {
    early.unshift(splitAt(last, jump))
  }
  return early.map((run) => ({ ...run, ordinal: -1 }))
}

/** Adds a run that is out of order to the group it belongs to. */
export function addExtra(extras: ExtraGroup[], run: NewRun): void {
  const whole = { ...run, ordinal: -1 }
  const group = extras.at(-1)
  if (group === undefined || group.end !== run.offset) {
    extras.push({ offset: run.offset, end: run.end, runs: [whole] })
    return
  }
  group.end = run.end
  const last = group.runs.at(-1)
  const next = last !== undefined && last.end === run.offset && run.firstSeq === last.lastSeq + 1
  if (next && last.ended) join(last, run)
  else group.runs.push(whole)
}
