import {
  isPapyraError,
  PapyraError,
  type Backend,
  type CompactionReport,
  type DropSummary,
  type PapyraErrorCode,
  type PlannedFile,
  type RetentionPolicy,
  type StoreDescription,
} from '@papyra/contracts'
import { withProgress, type Context } from './context.js'
import { statedPolicies } from './policy.js'
import type { Store } from './store.js'

/** What retention hides and compaction has not deleted yet, by the policy that a compaction would use. */
export interface Expired {
  /** `null` if none is configured or recorded: then nothing expires. */
  readonly policy: RetentionPolicy | null
  /** Who states it: the path of a configuration, or the store. */
  readonly from: string | null
  /** `null` if it cannot be told; `refusal` says why. */
  readonly records: number | null
  /** Bytes of these records as stored. */
  readonly bytes: number | null
  /** By kind and limit. */
  readonly dropped: readonly DropSummary[]
  /** By file, where the backend makes plans. */
  readonly files: readonly PlannedFile[]
  /** Why a compaction would be refused as things are; `null` if it would not. */
  readonly refusal: { readonly code: PapyraErrorCode; readonly message: string } | null
}

/** Refusals that `--force` overrides: what is expired can still be told. */
const CAUTIONS: readonly PapyraErrorCode[] = ['clock_suspect', 'drop_all_refused']
const REFUSALS: readonly PapyraErrorCode[] = [
  ...CAUTIONS,
  'anomalies_found',
  'stale_plan',
  'unsupported',
]

/** Works it out with a dry run. Takes no lock and changes nothing. */
export async function findExpired(
  context: Context,
  store: Store,
  backend: Backend,
  description: StoreDescription,
): Promise<Expired> {
  const [chosen] = statedPolicies(store, null, description)
  const none = { policy: null, from: null, dropped: [], files: [], refusal: null }
  if (chosen === undefined) return { ...none, records: 0, bytes: 0 }
  const { policy, name: from } = chosen
  const dryRun = (force: boolean): Promise<CompactionReport> =>
    withProgress(context, (operation) =>
      backend.compact({ ...operation, policy, dryRun: true, force }),
    )
  const first = await refusable(() => planned(backend, () => dryRun(false)))
  const again =
    first.refusal !== null && CAUTIONS.includes(first.refusal.code)
      ? (await refusable(() => dryRun(true))).report
      : null
  const report = first.report ?? again
  const { refusal } = first
  if (report === null) return { ...none, policy, from, records: null, bytes: null, refusal }
  const sum = (key: 'records' | 'bytes'): number =>
    report.dropped.reduce((all, one) => all + one[key], 0)
  return {
    policy,
    from,
    records: sum('records'),
    bytes: sum('bytes'),
    dropped: report.dropped,
    files: report.plan?.files ?? [],
    refusal,
  }
}

function planned(
  { name, capabilities }: Backend,
  dryRun: () => Promise<CompactionReport>,
): Promise<CompactionReport> {
  if (capabilities.compaction && capabilities.dryRun) return dryRun()
  throw new PapyraError('unsupported', `The backend ${name} cannot tell beforehand what would go.`)
}

interface Attempt {
  readonly report: CompactionReport | null
  readonly refusal: Expired['refusal']
}

async function refusable(work: () => Promise<CompactionReport>): Promise<Attempt> {
  try {
    return { report: await work(), refusal: null }
  } catch (error) {
    if (!isPapyraError(error) || !REFUSALS.includes(error.code)) throw error
    return { report: null, refusal: { code: error.code, message: error.message } }
  }
}
