import { checkStartup } from '@papyra/core'
import { isUnbounded } from '@papyra/retention'
import { otherwise, papyra } from '../check.js'
import { damageDrill } from '../drill/damage.js'
import { countsText, plural } from '../text.js'
import { gateCheck, reading, type GateCheck } from './work.js'

export const scanCheck: GateCheck = gateCheck(
  'gate.scan',
  'A release goes out on a sound store.',
  async ({ definition, long }) => {
    const scan = await reading(definition, (backend) => backend.scan(long))
    if (!scan.clean) {
      const mend = papyra('persistence', 'recover', '--dry-run')
      return { state: 'fail', evidence: countsText(scan.anomalyCounts), mend }
    }
    const evidence = `${plural(scan.records ?? 0, 'record')}, ${plural(scan.bytes, 'byte')}, clean.`
    return { state: 'pass', evidence }
  },
)

export const retentionCheck: GateCheck = gateCheck(
  'gate.retention',
  'What is kept has to be what was decided.',
  async ({ definition, policy, long }) => {
    if (policy === null || isUnbounded(policy)) {
      const mend = otherwise('State `retention` in the configuration.')
      return { state: 'fail', evidence: 'There is no limit.', mend }
    }
    if (!definition.capabilities.dryRun) return { state: 'pass', evidence: limitsText(policy) }
    const plan = await reading(definition, (backend) =>
      backend.compact({ ...long, policy, dryRun: true }),
    )
    const unmet = plan.unmet.map(({ limit, wanted, actual }) => `${limit} ${actual} > ${wanted}`)
    if (unmet.length > 0) {
      const mend = otherwise('Change the limits that cannot hold together.')
      return { state: 'fail', evidence: `Not met by any compaction: ${unmet.join(', ')}.`, mend }
    }
    const { before, after } = plan.records
    const evidence = `${limitsText(policy)}; ${plural(before - after, 'record')} of ${before} beyond them.`
    return { state: 'pass', evidence }
  },
)

const limitsText = (policy: object): string =>
  JSON.stringify(policy).replace(/[{}"]/g, '').replaceAll(':', '=').replaceAll(',', ', ')

export const recoveryCheck: GateCheck = gateCheck(
  'gate.recovery',
  'A recovery that was never tried is a hope.',
  async ({ copy, dir, clock }) => {
    const drill = damageDrill('truncate')
    const result = await drill({ copy, dir, clock, seed: clock.now() % 1_000_000, rounds: 1 })
    const { before, kept, lost, expectations, reason, recoveryMs } = result
    const mend = papyra('doctor', 'drill')
    if (result.state === 'pass') {
      const evidence = `A copy was cut: ${kept} of ${plural(before, 'record')} kept, ${lost} recorded as lost, in ${recoveryMs} ms.`
      return { state: 'pass', evidence }
    }
    if (reason !== null) return { state: 'unknown', evidence: reason, mend }
    const broken = expectations.filter(({ held }) => !held)
    const evidence = broken.map(({ what, seen }) => `not so: ${what} (${seen})`).join('; ')
    return { state: 'fail', evidence, mend }
  },
)

export const startupCheck: GateCheck = gateCheck(
  'gate.startup',
  'It is what the released service will ask before its first write.',
  async ({ definition, settings, policy, clock, long }) => {
    const { environment, mode } = settings
    if (mode === 'ignore' || mode === 'scan_only') {
      const mend = otherwise('Set `startup.mode` to fail_on_anomaly in the configuration.')
      return { state: 'fail', evidence: `The gate's mode is ${mode}: it refuses nothing.`, mend }
    }
    const gate = { ...long, environment, clock, retention: policy }
    const { allowed, reason } = await checkStartup(definition, { ...gate, mode: 'fail_on_anomaly' })
    const evidence = `${reason} (mode fail_on_anomaly; configured: ${mode})`
    const mend = papyra('doctor', 'run', '--mode', 'fail_on_anomaly')
    return allowed ? { state: 'pass', evidence } : { state: 'fail', evidence, mend }
  },
)
