import type { DropReason, RecordMeta, RetentionPolicy } from '@papyra/contracts'

export interface ModelResult {
  readonly kept: readonly RecordMeta[]
  readonly drops: ReadonlyMap<number, { reason: DropReason; limit: string }>
}

const KINDS = ['event', 'audit', 'dead_letter'] as const

/**
 * The rules word for word on arrays, one filter after the other, knowing nothing of the package:
 * the yardstick for the streaming one.
 */
export function model(
  records: readonly RecordMeta[],
  policy: RetentionPolicy,
  now: number,
): ModelResult {
  const drops = new Map<number, { reason: DropReason; limit: string }>()
  let left = [...records].sort((a, b) => a.seq - b.seq)

  function drop(gone: readonly RecordMeta[], reason: DropReason, limit: string): void {
    for (const meta of gone) drops.set(meta.seq, { reason, limit })
    left = left.filter((meta) => !drops.has(meta.seq))
  }
  function known(meta: RecordMeta): boolean {
    return KINDS.some((kind) => kind === meta.kind)
  }
  function tooOld(meta: RecordMeta, seconds: number): boolean {
    if (!Number.isFinite(meta.timestamp)) return false
    if (meta.timestamp < Date.parse('2000-01-01T00:00:00Z')) return false
    if (meta.timestamp > now + 60_000) return false
    return (now - meta.timestamp) / 1000 > seconds
  }
  /** The longest run of newest records whose bytes stay within the budget. */
  function newestWithin(from: readonly RecordMeta[], budget: number): RecordMeta[] {
    for (let skip = 0; skip < from.length; skip++) {
      const run = from.slice(skip)
      if (total(run) <= budget) return run
    }
    return []
  }

  for (const kind of KINDS) {
    const own = policy.perKind?.[kind] ?? {}
    const mine = (): RecordMeta[] => left.filter((meta) => meta.kind === kind)
    if (own.maxAgeSeconds !== undefined) {
      const limit = own.maxAgeSeconds
      drop(
        mine().filter((meta) => tooOld(meta, limit)),
        'age',
        `perKind.${kind}.maxAgeSeconds`,
      )
    }
    if (own.maxRecords !== undefined) {
      drop(mine().slice(0, -own.maxRecords), 'count', `perKind.${kind}.maxRecords`)
    }
    if (own.maxTotalBytes !== undefined) {
      const all = mine()
      const run = newestWithin(all, own.maxTotalBytes)
      const keep = new Set(run.length === 0 ? all.slice(-1) : run)
      drop(
        all.filter((meta) => !keep.has(meta)),
        'bytes',
        `perKind.${kind}.maxTotalBytes`,
      )
    }
  }
  if (policy.maxAgeSeconds !== undefined) {
    const limit = policy.maxAgeSeconds
    drop(
      left.filter((meta) => known(meta) && tooOld(meta, limit)),
      'age',
      'maxAgeSeconds',
    )
  }
  const mayTake = (meta: RecordMeta, key: 'maxRecords' | 'maxTotalBytes'): boolean =>
    KINDS.some((kind) => kind === meta.kind && policy.perKind?.[kind]?.[key] === undefined)
  if (policy.maxRecords !== undefined) {
    const takeable = left.filter((meta) => mayTake(meta, 'maxRecords'))
    const tooMany = Math.max(0, left.length - policy.maxRecords)
    drop(takeable.slice(0, tooMany), 'count', 'maxRecords')
  }
  if (policy.maxTotalBytes !== undefined) {
    const takeable = left.filter((meta) => mayTake(meta, 'maxTotalBytes'))
    const budget = policy.maxTotalBytes - (total(left) - total(takeable))
    const keep = new Set([...newestWithin(takeable, budget), ...left.slice(-1)])
    drop(
      takeable.filter((meta) => !keep.has(meta)),
      'bytes',
      'maxTotalBytes',
    )
  }
  return { kept: left, drops }
}

export function total(records: readonly RecordMeta[]): number {
  return records.reduce((sum, meta) => sum + meta.bytes, 0)
}
