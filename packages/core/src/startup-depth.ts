import { PapyraError, type Backend, type ScanOptions, type ScanReport } from '@papyra/contracts'
import type { DepthReport, GateOptions, StartupDepth } from './gate-types.js'

/** How deep the first look of a gate may go, in the order of the cost. */
export const STARTUP_DEPTHS: readonly StartupDepth[] = ['full', 'since-clean']

export const DEFAULT_MAX_VERIFIED_AGE_MS = 86_400_000

/** Refuses settings of the depth that make no sense, with `invalid_argument`. */
export function checkDepth({ depth = 'full', maxVerifiedAgeMs = 0 }: GateOptions): void {
  if (!STARTUP_DEPTHS.includes(depth)) {
    throw new PapyraError('invalid_argument', '`startup.depth` must be full or since-clean.')
  }
  if (!(Number.isFinite(maxVerifiedAgeMs) && maxVerifiedAgeMs >= 0)) {
    throw new PapyraError('invalid_argument', '`startup.maxVerifiedAgeMs` must be a number of ms.')
  }
}

/** What the first scan of a gate is asked for. */
export function depthOptions(options: GateOptions): ScanOptions {
  if (options.depth !== 'since-clean') return { coverage: 'full' }
  return { coverage: 'auto', maxVerifiedAgeMs: maxAge(options) }
}

/** How deep the gate looked: by its last scan, and why not as asked. */
export async function depthReport(
  backend: Backend,
  options: GateOptions,
  scans: {
    readonly scan: ScanReport | null
    readonly after: ScanReport | null
    readonly at: number
  },
): Promise<DepthReport | null> {
  const { scan, after, at } = scans
  const last = after ?? scan
  if (scan === null || last === null) return null
  const asked = options.depth ?? 'full'
  if (last.unread !== null) return { asked, done: 'since-clean', detail: unreadText(last.unread) }
  if (asked === 'full') return { asked, done: 'full', detail: null }
  if (after !== null) return { asked, done: 'full', detail: 'read everything after the recovery' }
  if (scan.coverage === 'structure')
    return { asked, done: 'full', detail: 'read a whole plain log' }
  const why = scan.clean ? await whyFull(backend, maxAge(options), at) : 'anomalies were found'
  return { asked, done: 'full', detail: `read everything: ${why}` }
}

function maxAge({ maxVerifiedAgeMs = DEFAULT_MAX_VERIFIED_AGE_MS }: GateOptions): number {
  return maxVerifiedAgeMs
}

function unreadText({ files, bytes, verifiedAt }: NonNullable<ScanReport['unread']>): string {
  const when = `last verified ${new Date(verifiedAt).toISOString()}`
  if (bytes === 0) return `nothing was left out; ${when}`
  const what = files === 1 ? '1 file' : `${files} files`
  return `did not read ${bytes} bytes in ${what}, ${when}`
}

/** Why a scan that might have left most of the store unread read everything. */
async function whyFull(backend: Backend, maxAgeMs: number, at: number): Promise<string> {
  if (!backend.capabilities.checksums) return 'this backend knows no other way'
  const { clean, verifiedAt } = await backend.describe()
  if (clean !== true) return 'the store was not closed cleanly'
  if (verifiedAt === null) return 'it was never verified since it was written'
  const when = `it was last verified ${new Date(verifiedAt).toISOString()}`
  if (verifiedAt > at) return `${when}, which is ahead of the clock`
  if (at - verifiedAt >= maxAgeMs) return `${when}, longer ago than allowed (${maxAgeMs} ms)`
  return 'it has changed since it was closed'
}
