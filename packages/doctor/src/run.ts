import {
  isPapyraError,
  type Backend,
  type BackendDefinition,
  type Finding,
  type RecordedLoss,
  type ScanReport,
} from '@papyra/contracts'
import { checkStartup, type CheckStartupOptions, type GateReport } from '@papyra/core'
import { countStates, otherwise, papyra, type Check, type CheckCounts } from './check.js'
import { countsText, plural } from './text.js'

export interface DoctorReport {
  readonly mode: GateReport['mode']
  readonly backend: string
  readonly location: string
  /** 0: it may start. 1: it may not. 2: a recovery left anomalies, or lacks a consent. */
  readonly exit: 0 | 1 | 2
  readonly checks: readonly Check[]
  readonly counts: CheckCounts
  /** What the gate itself found and decided. */
  readonly gate: GateReport
}

/**
 * Runs the logic of the startup gate and shows it check by check: scan, decide, recover, scan again. The
 * modes `ignore`, `scan_only` and `fail_on_anomaly` write nothing and work beside a living owner; `recover`
 * takes ownership. Rejects as `checkStartup` does where there is no answer: `store_not_found`,
 * `store_locked`, `quarantine_dir_required`, `mode_forbidden` and the like.
 */
export async function runDoctor(
  definition: BackendDefinition,
  options: CheckStartupOptions = {},
): Promise<DoctorReport> {
  const gate = await checkStartup(definition, options)
  const around = await lookAround(definition)
  const checks = [
    scanCheck(gate),
    ...recoveryChecks(gate),
    lossesCheck((gate.after ?? gate.scan)?.losses ?? around.losses),
    ...around.findings.map(findingCheck),
    gateCheck(gate),
  ]
  const { mode, backend, location, allowed } = gate
  const exit = allowed ? 0 : mode === 'recover' ? 2 : 1
  return { mode, backend, location, exit, checks, counts: countStates(checks), gate }
}

interface Around {
  readonly losses: readonly RecordedLoss[] | null
  readonly findings: readonly Finding[]
}

/** What stands beside the gate; a store that cannot be opened has been told of already. */
async function lookAround(definition: BackendDefinition): Promise<Around> {
  let backend: Backend | null = null
  try {
    backend = await definition.open({ access: 'read', create: 'never' })
    const findings: Finding[] = []
    for await (const finding of backend.diagnose?.() ?? []) findings.push(finding)
    return { losses: (await backend.describe()).losses, findings }
  } catch (error) {
    if (!isPapyraError(error)) throw error
    return { losses: null, findings: [] }
  } finally {
    await backend?.close().catch(() => undefined)
  }
}

function scanCheck({ scan, mode, code, reason, recovery }: GateReport): Check {
  const base = { id: 'store.scan', why: 'A service on damaged data makes the damage worse.' }
  if (mode === 'ignore') {
    const evidence = 'Nothing was looked at: the mode is ignore.'
    return { ...base, state: 'unknown', evidence, mend: papyra('doctor', 'run') }
  }
  if (scan === null) {
    if (code === null) return { ...base, state: 'skip', evidence: reason, mend: null }
    return { ...base, state: 'fail', evidence: reason, mend: papyra('explain', code) }
  }
  if (scan.clean) return { ...base, state: 'pass', evidence: cleanText(scan), mend: null }
  const found = `${countsText(scan.anomalyCounts)}; ${cleanText(scan)}`
  const mended = recovery?.after?.clean === true
  return {
    ...base,
    state: mended ? 'warn' : 'fail',
    evidence: mended ? `Before the recovery: ${found}` : found,
    mend: mended ? null : papyra('persistence', 'recover', '--dry-run'),
  }
}

function cleanText({ records, bytes, coverage }: ScanReport): string {
  const counted = records === null ? '' : `${plural(records, 'record')}, `
  return `${counted}${plural(bytes, 'byte')}, coverage ${coverage}`
}

function recoveryChecks({ mode, scan, recovery, after }: GateReport): Check[] {
  if (mode !== 'recover') return []
  const why = 'A recovery counts only if a scan of every byte after it is clean.'
  const recovered = { id: 'store.recovery', why }
  if (recovery === null) {
    const evidence =
      scan?.clean === true ? 'There was nothing to recover.' : 'Nothing was recovered.'
    return [{ ...recovered, state: scan?.clean === true ? 'skip' : 'fail', evidence, mend: null }]
  }
  const { recordsKept, bytesSetAside, keptAside } = recovery
  const aside = `${plural(bytesSetAside, 'byte')} set aside in ${plural(keptAside.length, 'file')}`
  const rescan = { id: 'store.rescan', why }
  return [
    {
      ...recovered,
      state: 'pass',
      evidence: `${plural(recordsKept, 'record')} kept, ${aside}.`,
      mend: null,
    },
    after?.clean === true
      ? { ...rescan, state: 'pass', evidence: cleanText(after), mend: null }
      : {
          ...rescan,
          state: 'fail',
          evidence: after === null ? 'No scan followed.' : countsText(after.anomalyCounts),
          mend: papyra('persistence', 'scan'),
        },
  ]
}

function lossesCheck(losses: readonly RecordedLoss[] | null): Check {
  const base = {
    id: 'store.losses',
    why: 'What was recorded as lost is gone; who reads must know.',
  }
  if (losses === null) {
    return { ...base, state: 'unknown', evidence: 'The store was not read.', mend: null }
  }
  if (losses.length === 0) {
    return { ...base, state: 'pass', evidence: 'No loss is on record.', mend: null }
  }
  const evidence =
    losses.length === 1 ? '1 loss is on record.' : `${losses.length} losses are on record.`
  return { ...base, state: 'warn', evidence, mend: papyra('persistence', 'inspect') }
}

/** What a backend alone can know, as a check. */
export function findingCheck({ id, state, evidence, mend }: Finding): Check {
  const why = 'What the store stands on decides what it can promise.'
  return { id, state, why, evidence, mend: mend === null ? null : otherwise(mend) }
}

function gateCheck({ mode, allowed, reason }: GateReport): Check {
  const base = {
    id: 'startup.gate',
    why: 'It is what a service asks before its first write.',
    evidence: `${reason} (mode ${mode})`,
  }
  if (!allowed) return { ...base, state: 'fail', mend: papyra('persistence', 'scan') }
  if (mode === 'fail_on_anomaly' || mode === 'recover')
    return { ...base, state: 'pass', mend: null }
  const mend = papyra('doctor', 'run', '--mode', 'fail_on_anomaly')
  return { ...base, state: 'warn', mend }
}
