import type { Anomaly } from '@papyra/contracts'
import { type Findings, many } from './findings.js'
import type { JudgeContext } from './judge-context.js'
import { missingIn } from './losses.js'
import type { Gap, Stretch } from './scan-items.js'

/** What a damaged stretch is, once it is known how many records are missing there. */
export function codeOf(stretch: Stretch, missing: number): Anomaly['code'] {
  if (stretch.kind === 'invalid') return 'invalid_record'
  if (stretch.unreadable >= 0) return 'unreadable'
  if (stretch.salvaged > 0) return 'glued_line'
  if (stretch.kind === 'head' && missing === 0) return 'head_damaged'
  if (stretch.foreign > 0 && stretch.foreign === stretch.lines) return 'foreign_record'
  if (missing > 0) return 'corrupt_record'
  if (stretch.markLike) return 'block_mark_damaged'
  return stretch.maybeForeign ? 'foreign_record' : 'corrupt_record'
}

/** Says of numbers that are not there that they are no loss. */
export function neverProven(numbers: number): string {
  if (numbers === 0) return ''
  const were = numbers === 1 ? '1 number was' : `${numbers} numbers were`
  return ` ${were} never acknowledged, as far as anything tells: no loss.`
}

interface Missing {
  readonly records: number
  readonly unproven: number
}

function detailOf(code: Anomaly['code'], stretch: Stretch, { records, unproven }: Missing): string {
  const none = unproven > 0 ? '' : ' No record is missing here.'
  const gone =
    (records > 0 ? ` ${many(records, 'record')} missing here.` : none) + neverProven(unproven)
  switch (code) {
    case 'invalid_record':
      return 'The checksum is right, but the line is not valid UTF-8, is no record, or is out of place.'
    case 'unreadable':
      return `The device does not give the bytes from ${stretch.unreadable} on.${gone}`
    case 'glued_line':
      return `${many(stretch.salvaged, 'sound record')} on a line with other bytes.${gone}`
    case 'head_damaged':
      return 'The head does not match its checksum.'
    case 'foreign_record':
      return `${many(stretch.lines, 'line')} of another log.${gone}`
    case 'block_mark_damaged':
      return 'A block mark does not match its checksum; the records around it are complete.'
    default:
      return `${many(stretch.lines, 'line')} without the right checksum.${gone}`
  }
}

/** Adds what a damaged stretch is to the findings. */
export function judgeStretch(
  stretch: Stretch,
  gaps: readonly Gap[],
  { foreignHead }: Pick<JudgeContext, 'foreignHead'>,
  findings: Findings,
): void {
  const { records, seq, unproven, unprovenSeq } = missingIn(gaps)
  const code = codeOf(stretch, records + unproven)
  if (stretch.kind === 'head' && foreignHead !== null) {
    const detail = `The head is of another log, ${foreignHead}; all else is of one.`
    findings.log('foreign_log', { offset: 0 }, { detail })
    if (code === 'foreign_record' || code === 'head_damaged') {
      for (const { offset, end } of stretch.aside) findings.aside('foreign_log', offset, end)
      return
    }
  } else if (stretch.kind === 'head' && code !== 'head_damaged') {
    findings.log('head_damaged', { offset: 0 }, { detail: 'The head is missing or damaged.' })
  }
  const known = code === 'invalid_record' ? stretch.seq : unprovenSeq
  const detail = detailOf(code, stretch, { records, unproven })
  findings.log(code, stretch, { seq: seq ?? known, records, loss: records > 0, detail })
  for (const { offset, end } of stretch.aside) findings.aside(code, offset, end)
  findings.lose(code, gaps)
}
