import type { LogScan } from '../scan-types.js'
import type { Known } from './identify.js'

/**
 * Where a log that was not closed has its first fault beyond what was acknowledged; `null` if there
 * is none. After a power cut a batch that was never acknowledged may have left any mixture of its
 * bytes there, sound lines behind torn ones too: all of it is the torn tail.
 */
export function unacknowledgedFrom(scan: LogScan, known: Known, ownerAlive: boolean): number | null {
  const { mark, sidecar, identity } = known
  if (ownerAlive || mark === null || sidecar === null || sidecar.clean) return null
  if (mark.generation !== identity.generation || known.olderCopy || known.foreign) return null
  const places = scan.anomalies.flatMap(({ code, path, offset }) => {
    if (path !== scan.path || offset === null || offset < mark.offset) return []
    return code === 'rolled_back' || code === 'unreadable' ? [] : [offset]
  })
  const cut = scan.anomalies.some(({ code }) => code === 'rolled_back')
  return places.length === 0 || cut ? null : Math.min(...places)
}

/** The scan of a log up to `from`, with everything behind it as its torn tail. */
export function withTornTail(scan: LogScan, from: number, size: number): LogScan {
  const { anomalies, anomalyCounts, setAside, soundEnd } = scan
  const offset = Math.min(from, soundEnd)
  const detail = 'The log ends with bytes that were never acknowledged.'
  const base = { path: scan.path, offset, length: size - offset, seq: null, records: 0 }
  return {
    ...scan,
    size,
    anomalies: [...anomalies, { ...base, code: 'torn_tail', loss: false, detail }],
    anomalyCounts: { ...anomalyCounts, torn_tail: (anomalyCounts.torn_tail ?? 0) + 1 },
    setAside: [...setAside, { offset, end: size, code: 'torn_tail' }],
    cutMends: scan.bytesSound,
    bytesSound: false,
  }
}
