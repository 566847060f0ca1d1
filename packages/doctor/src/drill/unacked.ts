import type { GroupsPort } from '@papyra/contracts'
import { numbersText, readRecords } from './records.js'
import { Findings } from './result.js'
import type { Drill } from './types.js'

const GROUP = { kind: 'event', group: 'papyra-drill' } as const

/**
 * Lets a consumer of the copy die with records that it did not acknowledge: a compaction has to leave
 * them, and a claim has to hand over all of them.
 */
export const unackedDrill: Drill = async (work) => {
  const findings = new Findings('unacked')
  const scratch = await work.copy()
  try {
    findings.made = scratch.made
    if (!scratch.damages.includes('unacked')) {
      return findings.without('skip', 'A copy of this backend has no consumer groups.')
    }
    const { definition } = scratch
    findings.did(await scratch.damage('unacked', work.seed))
    const backend = await definition.open({ access: 'write', clock: work.clock })
    try {
      const { groups } = backend
      if (groups === undefined) return findings.without('skip', 'It has no consumer groups.')
      const started = work.clock.monotonic()
      const held = await pendingOf(groups)
      findings.expect('records are pending', held.size > 0, `${held.size} pending`)
      await backend.compact({ policy: { maxRecords: 1 } })
      const left = await readRecords(definition)
      const gone = [...held.keys()].filter((seq) => !left.has(seq))
      findings.expect('a compaction leaves what is pending', gone.length === 0, numbersText(gone))
      const act = { ...GROUP, what: 'claim', to: 'drill-2', minIdleMs: 0 } as const
      const { id } = await groups.plan(act)
      const { claimed } = await groups.apply(id)
      findings.took(work.clock.monotonic() - started)
      findings.expect('a claim hands over all of them', claimed === held.size, `${claimed} claimed`)
      const now = await pendingOf(groups)
      const missing = [...held.keys()].filter((seq) => now.get(seq) !== 'drill-2')
      findings.expect('another consumer holds them now', missing.length === 0, numbersText(missing))
      findings.before += held.size
      findings.kept += now.size
      findings.lost += missing.length
    } finally {
      await backend.close()
    }
    return findings.result()
  } finally {
    await scratch.dispose()
  }
}

async function pendingOf(groups: GroupsPort): Promise<Map<number, string>> {
  const pending = new Map<number, string>()
  for await (const { seq, consumer } of groups.pending(GROUP)) pending.set(seq, consumer)
  return pending
}
