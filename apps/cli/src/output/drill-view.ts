import type { DrillReport, DrillResult } from '@papyra/doctor'
import { durationText, plural } from './format.js'
import type { Output } from './output.js'

const MARKS = {
  pass: ['green', '[pass]'],
  fail: ['red', '[fail]'],
  unknown: ['yellow', '[ ?? ]'],
  skip: ['dim', '[ -- ]'],
} as const

/** One line a drill; of what does not hold each figure, and what was done. */
export async function showDrills(out: Output, report: DrillReport): Promise<void> {
  const { location, drills, original, seed } = report
  await out.line(`${location}  (seed ${seed})`)
  const width = Math.max(0, ...drills.map(({ drill }) => drill.length))
  for (const result of drills) await showDrill(out, result, width)
  const { unchanged, before } = original
  const said = unchanged === null ? 'its owner compacted it meanwhile' : 'not what it was'
  const state = unchanged === true ? 'unchanged' : said
  await out.line(`original: ${state}  records up to ${before.through} sha256 ${before.records}`)
}

async function showDrill(out: Output, result: DrillResult, width: number): Promise<void> {
  const { drill, state, before, kept, lost, recoveryMs, reason, expectations, did, made } = result
  const figures = `${plural(before, 'record')}: ${kept} kept, ${lost} lost; recovered in ${durationText(recoveryMs)}`
  await out.line(MARKS[state], ` ${drill.padEnd(width)}  ${reason ?? figures}`)
  if (state === 'skip' || state === 'unknown') return
  const indent = ' '.repeat(7)
  await out.line(`${indent}on ${made}`)
  for (const what of did) await out.line(`${indent}${what}`)
  for (const { what, held, seen } of expectations) {
    if (!held) await out.line(['red', `${indent}not so: `], `${what}; ${seen}`)
  }
}
