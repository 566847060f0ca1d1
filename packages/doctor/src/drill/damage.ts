import type { BackendDefinition, ScratchStore } from '@papyra/contracts'
import { checkStartup } from '@papyra/core'
import { Findings } from './result.js'
import { compareRecords, explains, numbersText, readRecords } from './records.js'
import type { Drill, DrillWork } from './types.js'

/** Damages the copy, and has the gate refuse it, recover it, and scan it again. */
export function damageDrill(drill: 'truncate' | 'bit-flip' | 'bad-utf8'): Drill {
  return async (work) => {
    const findings = new Findings(drill)
    for (let round = 0; round < work.rounds; round++) {
      const scratch = await work.copy()
      try {
        findings.made = scratch.made
        if (!scratch.damages.includes(drill)) {
          return findings.without('skip', 'A copy of this backend has no such damage.')
        }
        await damageOnce(findings, scratch, { drill, seed: work.seed + round, work })
      } finally {
        await scratch.dispose()
      }
    }
    return findings.result()
  }
}

interface Round {
  readonly drill: string
  readonly seed: number
  readonly work: DrillWork
}

async function damageOnce(
  findings: Findings,
  scratch: ScratchStore,
  { drill, seed, work }: Round,
): Promise<void> {
  const { definition } = scratch
  const before = await readRecords(definition)
  const did = await scratch.damage(drill, seed)
  findings.did(`${did} (seed ${seed})`)
  const { clock } = work
  const gate = { clock, environment: 'drill' }
  const refused = await checkStartup(definition, { ...gate, mode: 'fail_on_anomaly' })
  const codes = Object.keys(refused.scan?.anomalyCounts ?? {})
  findings.met([...codes, ...(refused.code === null ? [] : [refused.code])])
  findings.expect('a scan finds the damage', codes.length > 0, codes.join(', ') || 'nothing')
  findings.expect('the gate refuses to start', !refused.allowed, refused.reason)
  const started = clock.monotonic()
  const consent = { acceptLoss: true, force: true }
  const recovered = await checkStartup(definition, { ...gate, ...consent, mode: 'recover' })
  findings.took(clock.monotonic() - started)
  findings.expect('recovery lets the service start', recovered.allowed, recovered.reason)
  await judge(findings, definition, { before, losses: recovered.recovery?.losses ?? [] })
}

/** What has to hold once a copy was recovered: seen by reading it, not by what the recovery says. */
async function judge(
  findings: Findings,
  definition: BackendDefinition,
  was: {
    readonly before: Awaited<ReturnType<typeof readRecords>>
    readonly losses: Parameters<typeof explains>[0]['losses']
  },
): Promise<void> {
  const { before, losses } = was
  const backend = await definition.open({ access: 'write', create: 'never' })
  try {
    const scan = await backend.scan()
    const left = Object.keys(scan.anomalyCounts).join(', ')
    findings.expect('a scan of every byte is clean afterwards', scan.clean, left || 'clean')
    const again = await backend.recover({ mode: 'repair' }).catch(() => null)
    const idle = again !== null && !again.changed
    findings.expect('a second recovery changes nothing', idle, idle ? 'nothing' : 'it did')
  } finally {
    await backend.close()
  }
  const after = await readRecords(definition)
  const { lost, changed } = compareRecords(before, after)
  findings.before += before.size
  findings.kept += after.size
  findings.lost += lost.length
  findings.expect('what was kept is as it was', changed.length === 0, numbersText(changed))
  const told = losses.reduce((sum, { records }) => sum + records, 0)
  const said = `${lost.length} gone (${numbersText(lost)}), ${told} recorded as lost`
  findings.expect('every record that is gone is recorded as lost', explains({ losses }, lost), said)
}
