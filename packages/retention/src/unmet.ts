import {
  RECORD_KINDS,
  type RecordKind,
  type RetentionPolicy,
  type UnmetLimit,
} from '@papyra/contracts'
import type { Amount } from './plan-types.js'

/** The size limits that the kept records exceed, with the reason for a person. */
export function unmetLimits(
  policy: RetentionPolicy,
  kept: Amount,
  keptBytes: (kind: RecordKind) => number,
): UnmetLimit[] {
  const unmet: UnmetLimit[] = []
  for (const kind of RECORD_KINDS) {
    const wanted = policy.perKind?.[kind]?.maxTotalBytes
    const actual = keptBytes(kind)
    if (wanted === undefined || actual <= wanted) continue
    const detail = `The newest record of kind ${kind} alone takes ${actual} bytes, more than the ${wanted} bytes of its limit; a size limit never drops it.`
    unmet.push({ limit: `perKind.${kind}.maxTotalBytes`, wanted, actual, detail })
  }
  if (policy.maxRecords !== undefined && kept.records > policy.maxRecords) {
    unmet.push(wideUnmet('maxRecords', policy.maxRecords, kept.records, 'records'))
  }
  if (policy.maxTotalBytes !== undefined && kept.bytes > policy.maxTotalBytes) {
    unmet.push(wideUnmet('maxTotalBytes', policy.maxTotalBytes, kept.bytes, 'bytes'))
  }
  return unmet
}

function wideUnmet(
  limit: 'maxRecords' | 'maxTotalBytes',
  wanted: number,
  actual: number,
  unit: string,
): UnmetLimit {
  const spared = limit === 'maxTotalBytes' ? ', nor the newest record of the log' : ''
  const detail = `${actual} ${unit} are kept, more than the ${wanted} of the whole log's ${limit}: it does not take kinds with a ${limit} of their own or unknown kinds${spared}.`
  return { limit, wanted, actual, detail }
}
