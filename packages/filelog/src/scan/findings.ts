import type { Anomaly, SeqRange } from '@papyra/contracts'
import type { Loss, Misplaced } from '../scan-types.js'
import { countOf, hull, union } from './intervals.js'
import type { Gap } from './scan-items.js'

/** Gathers what a scan holds against a log. */
export class Findings {
  readonly setAside: Misplaced[] = []
  readonly losses: Loss[] = []
  readonly #path: string
  readonly #log: Anomaly[] = []
  readonly #beside: Anomaly[] = []

  constructor(path: string) {
    this.#path = path
  }

  /** How many anomalies are in the log itself. */
  get inLog(): number {
    return this.#log.length
  }

  /** An anomaly in the log. */
  log(code: Anomaly['code'], place: { offset: number | null; end?: number }, more: Detail): void {
    const { offset, end } = place
    const length = offset === null || end === undefined || end === offset ? null : end - offset
    const { detail, seq = null, records = 0, loss = false } = more
    this.#log.push({ code, path: this.#path, offset, length, seq, records, loss, detail })
  }

  /** An anomaly in a file beside the log. */
  beside(
    code: Anomaly['code'],
    path: string,
    offset: number | null,
    detail: string,
    length: number | null = null,
  ): void {
    this.#beside.push({ code, path, offset, length, seq: null, records: 0, loss: false, detail })
  }

  aside(code: Anomaly['code'], offset: number, end: number): void {
    if (end > offset) this.setAside.push({ offset, end, code })
  }

  /** Records the numbers that are missing in gaps as lost. */
  lose(code: Anomaly['code'], gaps: readonly Gap[]): void {
    for (const seq of union(...gaps.map((gap) => gap.missing))) {
      this.losses.push({ seq, records: countOf([seq]), code })
    }
    for (const { vague } of gaps) {
      if (vague !== null) this.losses.push({ seq: vague.seq, records: vague.records, code })
    }
  }

  /** All of them: the log's in the order of their place, then those of the files beside it. */
  all(): Anomaly[] {
    const at = (anomaly: Anomaly): number => anomaly.offset ?? -1
    return [...this.#log.sort((a, b) => at(a) - at(b)), ...this.#beside]
  }
}

export interface Detail {
  readonly detail: string
  readonly seq?: SeqRange | null
  readonly records?: number
  readonly loss?: boolean
}

/** `1 record`, `2 records`. */
export function many(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

export function hullOf(runs: readonly { firstSeq: number; lastSeq: number }[]): SeqRange | null {
  return hull(union(runs.map(({ firstSeq, lastSeq }) => ({ first: firstSeq, last: lastSeq }))))
}
