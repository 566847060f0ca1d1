import {
  isPapyraError,
  type Backend,
  type BackendDefinition,
  type Clock,
  type CompactionReport,
  type Finding,
  type GroupDescription,
  type LongOperation,
  type MetricsReadAt,
  type RetentionPolicy,
  type ScanReport,
  type StoreDescription,
} from '@papyra/contracts'
import { findReports, type KeptReport, type ReportKind } from './report/ledger.js'
import type { SignedReport } from './report/sign.js'
import { parseAccounts, settleAccounts, type Accounts } from '@papyra/core'

/** What the checklist is evaluated against. What could not be found out is `null`. */
export interface StoreFacts {
  readonly definition: BackendDefinition
  /** Why the store could not be read: the code of an error. */
  readonly problem: string | null
  readonly description: StoreDescription | null
  readonly scan: ScanReport | null
  /** What a compaction by the policy in force would delete now. */
  readonly backlog: CompactionReport | null
  readonly accounts: Accounts | null
  /** When the numbers were last read, as of when an owner wrote that down. */
  readonly metricsRead: (MetricsReadAt & { readonly asOf: number }) | null
  readonly findings: readonly Finding[]
  readonly groups: readonly GroupDescription[] | null
  /** The backend has consumer groups, whether they could be listed or not. */
  readonly hasGroups: boolean
  /** What was tried before, the newest first; `null` where it is not known where reports are kept. */
  readonly drills: readonly SignedReport<KeptReport>[] | null
  readonly gates: readonly SignedReport<KeptReport>[] | null
  /** Wall time in ms. */
  readonly now: number
}

export interface GatherOptions extends LongOperation {
  readonly policy: RetentionPolicy | null
  readonly clock: Clock
  /** The folder of the reports of drills and gates. */
  readonly reports: string | undefined
}

const NOTHING = {
  description: null,
  scan: null,
  backlog: null,
  accounts: null,
  metricsRead: null,
  findings: [],
  groups: null,
  hasGroups: false,
  drills: null,
  gates: null,
} as const

/** Reads all of it; writes nothing and takes no lock. Rejects with `aborted` only. */
export async function gatherFacts(
  definition: BackendDefinition,
  { policy, clock, reports, ...long }: GatherOptions,
): Promise<StoreFacts> {
  const now = clock.now()
  let backend: Backend | null = null
  try {
    backend = await definition.open({ access: 'read', create: 'never', clock })
    const opened = backend
    const description = await opened.describe()
    const inForce = policy ?? description.retention
    const options = { ...long, dryRun: true }
    return {
      ...{ definition, problem: null, now, description },
      scan: await unless(() => opened.scan(long)),
      backlog:
        inForce === null
          ? null
          : await unless(() => opened.compact({ ...options, policy: inForce })),
      accounts: await unless(() => accountsOf(opened, description, now)),
      metricsRead: await unless(() => metricsReadOf(opened, description)),
      findings: (await unless(() => findingsOf(opened))) ?? [],
      groups: (await unless(async () => opened.groups?.list())) ?? null,
      hasGroups: opened.groups !== undefined,
      drills: await kept(reports, 'drill', description.logId),
      gates: await kept(reports, 'gate', description.logId),
    }
  } catch (error) {
    if (!isPapyraError(error) || error.code === 'aborted') throw error
    return { definition, problem: error.code, now, ...NOTHING }
  } finally {
    await backend?.close().catch(() => undefined)
  }
}

async function kept(
  folder: string | undefined,
  kind: ReportKind,
  logId: string | null,
): Promise<StoreFacts['drills']> {
  return folder === undefined ? null : findReports(folder, kind, logId)
}

/** What cannot be found out is unknown, whatever the reason. */
async function unless<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (!isPapyraError(error) || error.code === 'aborted') throw error
    return null
  }
}

async function accountsOf(
  backend: Backend,
  { logId, metrics, owner }: StoreDescription,
  now: number,
): Promise<Accounts | null> {
  const kept = (await backend.accounts?.read()) ?? null
  if (kept === null || logId === null || owner !== null) return null
  const { recordsWritten } = metrics.totals
  return settleAccounts(kept, { logId, recordsWritten, now })
}

async function metricsReadOf(
  backend: Backend,
  { logId }: StoreDescription,
): Promise<StoreFacts['metricsRead']> {
  const kept = (await backend.accounts?.read()) ?? null
  const read = kept === null || kept === 'damaged' ? null : parseAccounts(kept.text)
  return read?.logId === logId ? { ...read.metricsReadAt, asOf: read.at } : null
}

async function findingsOf(backend: Backend): Promise<Finding[]> {
  const findings: Finding[] = []
  for await (const finding of backend.diagnose?.() ?? []) findings.push(finding)
  return findings
}
