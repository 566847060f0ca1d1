import { isRecordKind, type RecordMeta } from '@papyra/contracts'
import type { AgeRule, RetentionPlan, SizeRule } from './plan-types.js'
import { ruleFor } from './plan.js'
import { isUsableTimestamp } from './timestamps.js'

/** One sentence for a person: whether the plan keeps the record, by which limit and which numbers. */
export function explain(plan: RetentionPlan, meta: RecordMeta): string {
  const subject = `Record ${meta.seq} (${nameOf(meta.kind)}, ${meta.bytes} bytes)`
  const rule = ruleFor(plan, meta)
  if (rule === null) return `${subject} is kept: ${whyKept(plan, meta)}.`
  const why = rule.reason === 'age' ? ageText(rule, meta) : sizeText(rule)
  return `${subject} is dropped by ${rule.limit}: ${why}.`
}

function whyKept(plan: RetentionPlan, meta: RecordMeta): string {
  if (meta.seq > plan.newestSeq) return 'it was written after the plan was made'
  if (!isRecordKind(meta.kind))
    return 'this version does not know its kind, and never drops such records'
  const undated = !isUsableTimestamp(meta.timestamp, plan.now)
  const ageLimited = plan.rules[meta.kind].some((rule) => rule.reason === 'age')
  return undated && ageLimited
    ? 'it has no usable time, so no age limit drops it, and it is within the others'
    : 'it is within every limit'
}

function ageText(rule: AgeRule, meta: RecordMeta): string {
  return `records may be at most ${rule.wanted} s old, which is from ${time(rule.before)} on, and its time is ${time(meta.timestamp)}`
}

function sizeText(rule: SizeRule): string {
  const unit = rule.reason === 'count' ? 'records' : 'bytes'
  const whole = rule.limit.startsWith('perKind.') ? 'this kind' : 'the whole log'
  return `${rule.wanted} ${unit} of ${whole} are kept, and for this kind that is from number ${rule.below} on`
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}

/** An unknown kind is text from outside: shortened, and without anything that moves a cursor. */
function nameOf(kind: string): string {
  return isRecordKind(kind) ? kind : `kind ${printable(kind)}`
}

function printable(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return JSON.stringify(short).replace(
    /[^\x20-\x7e…]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
