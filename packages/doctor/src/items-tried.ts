// Chapters 7, 9 and 10: what was tried before it happens, as the kept reports tell.
import { papyra } from './check.js'
import { explainCode } from './explain/code.js'
import { DRILLS, type DrillResult } from './drill/types.js'
import type { StoreFacts } from './facts.js'
import { fail, pass, skip, unknown, warn, type Item, type Verdict } from './item.js'
import type { KeptReport } from './report/ledger.js'
import { verifyReport, type SignedReport } from './report/sign.js'
import { plural, spanText } from './text.js'

const DAY_MS = 86_400_000
const DRILLED_WITHIN_MS = 90 * DAY_MS
const GATED_WITHIN_MS = 30 * DAY_MS
const DRILL = papyra('doctor', 'drill')
const GATE = papyra('doctor', 'gate')

/** The newest result of each drill. */
interface Tried extends Pick<DrillResult, 'drill' | 'state' | 'met'> {
  readonly at: number
}

function newestResults(reports: readonly SignedReport<KeptReport>[]): Tried[] {
  const found = new Map<string, Tried>()
  for (const { report } of reports) {
    const { drills } = report as Partial<{ drills: readonly Partial<DrillResult>[] }>
    for (const { drill, state, met = [] } of Array.isArray(drills) ? drills : []) {
      if (drill === undefined || state === undefined || found.has(drill)) continue
      found.set(drill, { drill, state, met, at: report.at })
    }
  }
  return [...found.values()]
}

const forgedOf = (reports: readonly SignedReport[]): number =>
  reports.filter((report) => verifyReport(report).state === 'forged').length

const nobody = (reports: readonly SignedReport[]): string =>
  reports.some(({ signature }) => signature === null) ? '; unsigned' : ''

function judgeDrills({ drills, now, definition }: StoreFacts): Verdict {
  if (!definition.capabilities.persistent) return skip('It keeps nothing that could be drilled.')
  if (drills === null || drills.length === 0)
    return unknown('No drill of this store is on record.', DRILL)
  const forged = forgedOf(drills)
  if (forged > 0) return fail(`${plural(forged, 'report')} of drills was edited.`, DRILL)
  const tried = newestResults(drills)
  const failed = tried.filter(({ state }) => state === 'fail').map(({ drill }) => drill)
  if (failed.length > 0) return fail(`Failed: ${failed.join(', ')}.`, DRILL)
  const settled = tried.filter(({ state }) => state === 'pass' || state === 'skip')
  const open = DRILLS.filter((name) => !settled.some(({ drill }) => drill === name))
  const passed = tried.filter(({ state }) => state === 'pass')
  if (passed.length === 0) return unknown('No drill of this store has passed.', DRILL)
  const age = now - Math.min(...passed.map(({ at }) => at))
  const said = `${passed.map(({ drill }) => drill).join(', ')}: passed, ${spanText(age)} ago${nobody(drills)}`
  const [first = 'all'] = open
  const next = open.length === 1 ? papyra('doctor', 'drill', first) : DRILL
  if (open.length > 0) return warn(`${said}. Not tried: ${open.join(', ')}.`, next)
  return age > DRILLED_WITHIN_MS ? warn(`${said}.`, DRILL) : pass(`${said}.`)
}

function judgeGate({ gates, now }: StoreFacts): Verdict {
  const [last] = gates ?? []
  if (last === undefined) return unknown('No gate of this store is on record.', GATE)
  if (forgedOf([last]) > 0) return fail('The last report of a gate was edited.', GATE)
  const age = now - last.report.at
  const said = `The last one was ${spanText(age)} ago${nobody([last])}: ${last.report.verdict}.`
  if (last.report.verdict !== 'pass') return fail(said, GATE)
  return age > GATED_WITHIN_MS ? warn(said, GATE) : pass(said)
}

function judgeExplained({ drills, definition }: StoreFacts): Verdict {
  if (!definition.capabilities.persistent) return skip('It keeps nothing that could break.')
  const met = newestResults(drills ?? []).flatMap(({ drill, met }) =>
    met.map(({ code }) => ({ code, drill })),
  )
  const codes = [...new Set(met.map(({ code }) => code))].sort()
  if (codes.length === 0) return skip('No drill has met a damage yet that could be explained.')
  const odd = met.filter(({ code }) => explainCode(code) === null)
  const again = papyra('doctor', 'drill', odd[0]?.drill ?? 'all')
  if (odd.length > 0)
    return fail(`Met in drills, and explained by nothing: ${odd[0]?.code ?? ''}.`, again)
  return pass(`Met in drills, each explained: ${codes.join(', ')}.`)
}

export const TRIED_ITEMS: readonly Item[] = [
  {
    id: 'failures.tried',
    chapter: 7,
    why: 'A recovery that was never tried is a hope.',
    judge: judgeDrills,
  },
  {
    id: 'release.gate',
    chapter: 9,
    why: 'A release goes out after scan, compaction, metrics, retention, recovery and start were checked.',
    judge: judgeGate,
  },
  {
    id: 'failure.explained',
    chapter: 10,
    why: 'If you cannot explain what happens when persistence breaks, you are not ready.',
    judge: judgeExplained,
  },
]
