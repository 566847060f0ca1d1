import type { Anomaly, AnomalyCode, SeqRange } from '@papyra/contracts'
import type { Entry } from './entry.js'
import { outsideHoles, sizeOfHoles, type Hole, type Holes } from './holes.js'
import type { StreamState } from './store.js'

/** What recovery has to do about an anomaly. */
export type Mending =
  | {
      readonly do: 'take'
      readonly kind: string
      readonly id: string
      readonly bytes: number
      readonly why: AnomalyCode
    }
  | { readonly do: 'record'; readonly kind: string; readonly holes: Holes }
  | { readonly do: 'clear' }

export interface Found {
  readonly anomaly: Anomaly
  readonly mendings: readonly Mending[]
}

/** Verifies the entries of one kind, in order: each must be ours, sound, and at its place. */
export class KindWalk {
  readonly #stream: StreamState
  readonly #path: string
  readonly #found: (found: Found) => void
  #place = 0
  #bytes = 0
  #absent: SeqRange | null = null
  records = 0
  bytes = 0

  constructor(stream: StreamState, path: string, found: (found: Found) => void) {
    this.#stream = stream
    this.#path = path
    this.#found = found
  }

  /** Numbers that no entry of any kind has. */
  absent(first: number, last: number): void {
    this.#absent = { first: this.#absent?.first ?? first, last }
  }

  entry(entry: Entry): void {
    const { totals, record, problem } = entry
    if (totals === null || record === null) {
      this.#damaged(entry, problem ?? 'invalid_record')
    } else if (totals.records > this.#stream.state.added) {
      this.#bad(entry, 'invalid_record', null)
    } else if (totals.records <= this.#place) {
      this.#bad(entry, 'duplicate_record', null)
    } else {
      const before = totals.bytes - record.bytes
      if (totals.records > this.#place + 1) this.#gap(totals.records - 1, before)
      else if (before !== this.#bytes) {
        this.#damaged(entry, 'invalid_record')
        return
      }
      this.#move(totals)
      this.records += 1
      this.bytes += record.bytes
    }
  }

  /** An entry above every number that we ever gave. */
  stranger(entry: Entry): void {
    const copy = entry.record !== null
    this.#bad(entry, copy ? 'duplicate_record' : (entry.problem ?? 'foreign_record'), null)
  }

  /** After the last entry. */
  end(): void {
    const { state, exists, length, top, maxDeleted } = this.#stream
    if (this.#place === state.added) return
    const trimmed = exists && length === 0 && maxDeleted < top
    const code = exists ? (trimmed ? 'external_trim' : 'sequence_gap') : 'stream_missing'
    this.#gone(state.added, state.addedBytes, code)
  }

  /** A damaged entry whose totals follow on those before it stands where a record of ours stood. */
  #damaged(entry: Entry, code: AnomalyCode): void {
    const { totals } = entry
    const follows = totals?.records === this.#place + 1 && totals.bytes > this.#bytes
    if (totals === null || code === 'foreign_record' || !follows) {
      this.#bad(entry, code, null)
      return
    }
    const { records: place } = totals
    this.#bad(entry, code, { first: place, last: place, bytes: totals.bytes - this.#bytes })
    this.#move(totals)
  }

  #move(totals: NonNullable<Entry['totals']>): void {
    this.#place = totals.records
    this.#bytes = totals.bytes
    this.#absent = null
  }

  /** Where nothing stands before, it is the oldest records that are gone. */
  #gap(through: number, bytes: number): void {
    this.#gone(through, bytes, this.#place === 0 ? 'external_trim' : 'sequence_gap')
  }

  #gone(through: number, bytes: number, code: AnomalyCode): void {
    const gap: Hole = { first: this.#place + 1, last: through, bytes: bytes - this.#bytes }
    const holes = outsideHoles(this.#stream.state.holes, gap)
    const records = sizeOfHoles(holes)
    if (records === 0) return
    const { kind } = this.#stream.state
    const detail = `${records} records of the kind ${kind} are gone.`
    this.#found({
      anomaly: {
        ...{ code, path: this.#path, offset: null, length: null, seq: this.#absent },
        ...{ records, loss: true, detail },
      },
      mendings: [{ do: 'record', kind, holes }],
    })
  }

  #bad(entry: Entry, code: AnomalyCode, lost: Hole | null): void {
    const { kind } = this.#stream.state
    const { id, seq, sub, size } = entry
    // Whatever is there under this number, it is not the record that the number was given to.
    if (sub === 0 && code !== 'duplicate_record' && lost === null) this.absent(seq, seq)
    const take: Mending = { do: 'take', kind, id, bytes: size, why: code }
    const detail = `The entry ${id} is not as this store made it.`
    this.#found({
      anomaly: {
        ...{ code, path: this.#path, offset: null, length: size, seq: { first: seq, last: seq } },
        ...{ records: 1, loss: lost !== null, detail },
      },
      mendings: lost === null ? [take] : [take, { do: 'record', kind, holes: [lost] }],
    })
  }
}
