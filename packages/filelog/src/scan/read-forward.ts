import {
  isPapyraError,
  throwIfAborted,
  type PapyraError,
  type ReadQuery,
  type RecordMeta,
  type StoredRecord,
} from '@papyra/contracts'
import { FileWindow } from './file-window.js'
import { WHOLE_LINE_BYTES } from './for-each-line.js'
import { eachLine, type Line } from './lines.js'
import {
  DamageReporter,
  judgeLine,
  matches,
  metaOf,
  storedRecord,
  type LogSource,
  type ReadLine,
} from './log-source.js'
import { startBehind } from './read-backward.js'

const WINDOW_BYTES = 1024 * 1024
/** How much is gathered before it is handed over. */
const BATCH_RECORDS = 256
const BATCH_BYTES = 1024 * 1024

/**
 * The records of a log that a query asks for, in the order of their numbers; each line's checksum is
 * verified, and only records that are given back are turned into text. The format's own lines are
 * left out. Damage, also a number that is not above the one before, goes to `query.onDamage`, or
 * else throws `anomalies_found` with path and offset.
 */
export async function* readForward(
  source: LogSource,
  query: ReadQuery = {},
): AsyncGenerator<StoredRecord, void, undefined> {
  const { path } = source.file
  const from = await startBehind(source, query.afterSeq)
  yield* forward(source, { query, from }, (read, line) => storedRecord(read, line, path))
}

/** The same without the records' text: what retention needs to know. */
export async function* metasForward(
  source: LogSource,
  query: ReadQuery,
): AsyncGenerator<RecordMeta, void, undefined> {
  yield* forward(source, { query, from: source.start ?? 0 }, metaOf)
}

async function* forward<T>(
  source: LogSource,
  { query, from }: { query: ReadQuery; from: number },
  make: (read: ReadLine, line: Line) => T,
): AsyncGenerator<T, void, undefined> {
  const window = new FileWindow(source.file, source.size, WINDOW_BYTES)
  const pick = new ForwardPick(source, query, make)
  let pos = from
  while (pos < source.size && !pick.done) {
    throwIfAborted(query.signal)
    const range = {
      from: pos,
      to: source.size,
      seed: source.seed,
      wholeUpTo: WHOLE_LINE_BYTES,
      signal: query.signal,
    }
    const next = await eachLine(window, range, (line) => pick.visit(line))
    yield* pick.take()
    if (pick.failure !== null) throw pick.failure
    if (next === pos) break
    pos = next
  }
  pick.damage.sound()
}

class ForwardPick<T> {
  readonly damage: DamageReporter
  done = false
  failure: PapyraError | null = null
  readonly #source: LogSource
  readonly #query: ReadQuery
  readonly #make: (read: ReadLine, line: Line) => T
  #batch: T[] = []
  #bytes = 0
  #given = 0
  #last = 0

  constructor(source: LogSource, query: ReadQuery, make: (read: ReadLine, line: Line) => T) {
    this.#source = source
    this.#query = query
    this.#make = make
    this.damage = new DamageReporter(source.file.path, query.onDamage)
  }

  take(): T[] {
    const batch = this.#batch
    this.#batch = []
    this.#bytes = 0
    return batch
  }

  visit(line: Line): undefined | 'stop' {
    const read = this.#record(line)
    if (read === null) return this.done ? 'stop' : undefined
    if (!matches(read.header, this.#query)) return undefined
    this.#batch.push(this.#make(read, line))
    this.#bytes += line.length
    this.#given++
    this.done = this.#given === this.#query.limit
    const full = this.#batch.length >= BATCH_RECORDS || this.#bytes >= BATCH_BYTES
    return this.done || full ? 'stop' : undefined
  }

  /** The record in a line, in its turn; `null` if there is none, or if it is beyond what is asked for. */
  #record(line: Line): ReadLine | null {
    const judged = judgeLine(line, this.#source.seed)
    if (judged === 'blank' || judged === 'own') {
      if (judged === 'own') this.damage.sound()
      return null
    }
    if (judged === 'bad') return this.#bad(line)
    const plain = this.#source.seed === null
    const read = plain ? { ...judged, header: { ...judged.header, seq: this.#last + 1 } } : judged
    const { seq } = read.header
    if (seq <= this.#last) return this.#bad(line)
    this.damage.sound()
    this.#last = seq
    if (this.#query.beforeSeq !== undefined && seq >= this.#query.beforeSeq) this.done = true
    return this.done ? null : read
  }

  #bad(line: Line): null {
    try {
      this.damage.bad(line.offset, line.length)
    } catch (error) {
      // What was gathered before the damage is given out first.
      if (!isPapyraError(error)) throw error
      this.failure = error
      this.done = true
    }
    return null
  }
}
