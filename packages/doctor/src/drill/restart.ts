import { checkStartup } from '@papyra/core'
import { appendUntil, drillFact } from './facts.js'
import { compareRecords, numbersText, readRecords } from './records.js'
import { Findings } from './result.js'
import type { Drill } from './types.js'

/** How many facts are acknowledged before the server is killed, at least. */
const FACTS = 200

/** Kills the server of the copy under appends, starts it again, and looks for what was acknowledged. */
export const restartDrill: Drill = async (work) => {
  const findings = new Findings('redis-restart')
  const scratch = await work.copy()
  try {
    findings.made = scratch.made
    if (!scratch.damages.includes('redis-restart')) {
      return findings.without('skip', 'A copy of this backend has no server to restart.')
    }
    const { definition } = scratch
    const before = await readRecords(definition)
    const backend = await definition.open({ access: 'write', clock: work.clock })
    let n = 0
    let over = false
    let acknowledged: readonly number[] = []
    try {
      await backend.begin()
      const facts = (): ReturnType<typeof drillFact>[] => [drillFact(work.clock.now(), n++)]
      const writing = appendUntil(backend, facts, () => over)
      while (n < FACTS) await new Promise((resolve) => setTimeout(resolve, 5))
      const started = work.clock.monotonic()
      findings.did(await scratch.damage('redis-restart', work.seed))
      over = true
      const { seqs, error } = await writing
      acknowledged = seqs
      findings.did(
        `${seqs.length} facts were acknowledged; ${error === null ? 'no append failed' : 'then an append failed'}`,
      )
      const { clock } = work
      const gate = { clock, environment: 'drill', mode: 'fail_on_anomaly' } as const
      const { allowed, reason } = await checkStartup(definition, gate)
      findings.took(work.clock.monotonic() - started)
      findings.expect('the service may start again', allowed, reason)
    } finally {
      await backend.close().catch(() => undefined)
    }
    const after = await readRecords(definition)
    const missing = acknowledged.filter((seq) => !after.has(seq))
    const { lost, changed } = compareRecords(before, after)
    const old = changed.filter((seq) => before.has(seq))
    const gone = [...missing, ...lost]
    findings.expect('all that was acknowledged is there', gone.length === 0, numbersText(gone))
    findings.expect('what was there is as it was', old.length === 0, numbersText(old))
    findings.before += before.size + acknowledged.length
    findings.kept += after.size
    findings.lost += gone.length
    return findings.result()
  } finally {
    await scratch.dispose()
  }
}
