import type { PapyraErrorCode, ScanReport } from '@papyra/contracts'

/** Steps of maintenance that count what a scan found, in all and by code. */
export function anomalyWords({
  anomaliesTotal,
  anomalyCounts,
}: Pick<ScanReport, 'anomaliesTotal' | 'anomalyCounts'>): (string | number)[] {
  return [
    ...['add', 'm:anomaliesDetected', anomaliesTotal],
    ...Object.entries(anomalyCounts).flatMap(([code, n]) => ['add', `m:anomaly:${code}`, n]),
  ]
}

/** Errors that are not counted with the store yet. */
export class ErrorCounts {
  readonly #byCode = new Map<PapyraErrorCode, number>()

  get total(): number {
    return [...this.#byCode.values()].reduce((sum, count) => sum + count, 0)
  }

  add(code: PapyraErrorCode, by: number = 1): void {
    this.#byCode.set(code, (this.#byCode.get(code) ?? 0) + by)
  }

  addAll(other: ErrorCounts): void {
    for (const [code, count] of other.#byCode) this.add(code, count)
  }

  /** Steps of maintenance that count them under a number, and by code. */
  words(field: string): (string | number)[] {
    const each = [...this.#byCode].flatMap(([code, n]) => ['add', `m:error:${code}`, n])
    return ['add', field, this.total, ...each]
  }
}
