import type { Anomaly, AnomalyCode, RecordedLoss, ScanReport } from '@papyra/contracts'
import { bytesOfLines, soundRecords, type ArrayStore, type Line } from './store.js'

/** An anomaly, and the line it is about where there is one. */
export interface Found {
  readonly anomaly: Anomaly
  readonly line: Line | null
}

interface Spot {
  readonly code: AnomalyCode
  readonly offset: number | null
  readonly seq: number | null
  readonly last?: number
  readonly loss: boolean
}

function found(path: string, line: Line | null, spot: Spot): Found {
  const { code, offset, seq, loss } = spot
  const last = spot.last ?? seq
  return {
    line,
    anomaly: {
      code,
      path,
      offset,
      length: line?.record.bytes ?? null,
      seq: seq === null || last === null ? null : { first: seq, last },
      records: seq === null || last === null ? 0 : last - seq + 1,
      loss,
      detail: code.replaceAll('_', ' '),
    },
  }
}

const covers = (losses: readonly RecordedLoss[], seq: number): boolean =>
  losses.some((loss) => loss.seq !== null && loss.seq.first <= seq && seq <= loss.seq.last)

/** Everything that is wrong with the store, in the order of its place. */
export function findDamage(store: ArrayStore, path: string): Found[] {
  const all: Found[] = []
  const seen = new Set<number>()
  let offset = 0
  for (const line of store.lines) {
    const { seq } = line.record
    const spot = { offset, seq, loss: false }
    if (line.state === 'torn') {
      all.push(found(path, line, { ...spot, code: 'torn_tail', seq: null }))
    } else if (line.state === 'corrupt') {
      all.push(found(path, line, { ...spot, code: 'corrupt_record', loss: true }))
    } else if (seen.has(seq)) {
      all.push(found(path, line, { ...spot, code: 'duplicate_record' }))
    }
    if (line.state !== 'torn') seen.add(seq)
    offset += line.record.bytes
  }
  for (let seq = store.compactedThrough + 1; seq < store.nextSeq; seq += 1) {
    if (seen.has(seq) || covers(store.losses, seq)) continue
    all.push(found(path, null, { code: 'sequence_gap', offset: null, seq, loss: true }))
  }
  return all
}

/** The report on what was found. */
export function reportOn(
  store: ArrayStore,
  place: { readonly backend: string; readonly location: string },
  damage: readonly Found[],
  maxAnomalies: number,
): ScanReport {
  const records = soundRecords(store)
  const anomalyCounts: Record<string, number> = {}
  for (const { anomaly } of damage) {
    anomalyCounts[anomaly.code] = (anomalyCounts[anomaly.code] ?? 0) + 1
  }
  return {
    ...place,
    logId: store.logId,
    generation: store.generation,
    coverage: 'full',
    unread: null,
    clean: damage.length === 0,
    anomalies: damage.slice(0, maxAnomalies).map(({ anomaly }) => anomaly),
    anomalyCounts,
    anomaliesTotal: damage.length,
    notices: [],
    records: records.length,
    bytes: bytesOfLines(store.lines),
    firstSeq: records[0]?.seq ?? null,
    lastSeq: records.at(-1)?.seq ?? null,
    unproven: null,
    losses: [...store.losses],
    consent: { acceptLoss: damage.some(({ anomaly }) => anomaly.loss), force: false },
    durationMs: 0,
  }
}
