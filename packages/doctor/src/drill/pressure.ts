import type { BackendDefinition } from '@papyra/contracts'
import { appendUntil, drillFact } from './facts.js'
import { compareRecords, numbersText, readRecords, type Records } from './records.js'
import { Findings } from './result.js'
import type { Drill, DrillWork } from './types.js'

/** How many facts are written while compactions run. */
const FACTS = 400

/** Compacts while more is written than the policy keeps, and holds what is left against the policy. */
export const pressureDrill: Drill = async (work) => {
  const findings = new Findings('retention-pressure')
  const scratch = await work.copy()
  try {
    findings.made = scratch.made
    const { definition } = scratch
    const before = await readRecords(definition)
    const keep = Math.max(1, before.size >> 1)
    const started = work.clock.monotonic()
    const { written, dropped, error } = await press(definition, keep, work)
    findings.took(work.clock.monotonic() - started)
    findings.did(`${written.length} facts were written during a compaction to ${keep} records`)
    const writes = error === null ? `${written.length} written` : String(error)
    findings.expect('writing goes on during a compaction', error === null, writes)
    const reader = await definition.open({ access: 'read' })
    const { clean, anomalyCounts } = await reader.scan().finally(() => reader.close())
    const codes = Object.keys(anomalyCounts).join(', ') || 'clean'
    findings.expect('a scan of every byte is clean afterwards', clean, codes)
    await judge(findings, definition, { before, written, keep, dropped })
    return findings.result()
  } finally {
    await scratch.dispose()
  }
}

interface Pressed {
  readonly written: readonly number[]
  /** Records that the reports of the compactions say are gone. */
  readonly dropped: number
  readonly error: unknown
}

async function press(
  definition: BackendDefinition,
  keep: number,
  { clock }: DrillWork,
): Promise<Pressed> {
  const policy = { maxRecords: keep }
  const backend = await definition.open({ access: 'write', create: 'never', clock })
  let dropped = 0
  const compact = async (): Promise<void> => {
    const { records } = await backend.compact({ policy })
    dropped += records.before - records.after
  }
  try {
    await backend.begin({ retention: policy })
    let left = FACTS
    const facts = (): ReturnType<typeof drillFact>[] => [drillFact(clock.now(), left--)]
    const writing = appendUntil(backend, facts, () => left <= 0)
    if (!definition.capabilities.onlineCompaction) await writing
    await compact()
    const { seqs, error } = await writing
    await compact()
    return { written: seqs, dropped, error }
  } finally {
    await backend.close()
  }
}

interface Was {
  readonly before: Records
  readonly written: readonly number[]
  readonly keep: number
  readonly dropped: number
}

async function judge(
  findings: Findings,
  definition: BackendDefinition,
  { before, written, keep, dropped }: Was,
): Promise<void> {
  const after = await readRecords(definition)
  const all = [...before.keys(), ...written]
  const wanted = new Set(all.slice(-keep))
  const missing = [...wanted].filter((seq) => !after.has(seq))
  const surplus = [...after.keys()].filter((seq) => !wanted.has(seq))
  findings.before += all.length
  findings.kept += after.size
  findings.expect('all that the policy keeps is there', missing.length === 0, numbersText(missing))
  findings.expect('all that it hides is gone', surplus.length === 0, numbersText(surplus))
  const { changed } = compareRecords(before, after)
  const old = changed.filter((seq) => before.has(seq))
  findings.expect('what was kept is as it was', old.length === 0, numbersText(old))
  const gone = all.length - after.size
  findings.expect(
    'the reports tell exactly what went',
    dropped === gone,
    `${dropped}; ${gone} gone`,
  )
}
