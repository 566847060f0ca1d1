import type { ReadQuery, RecordMeta, StoredRecord } from '@papyra/contracts'
import { BackwardLines } from './backward-lines.js'
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

/** How far from the end a start is looked for backwards before a reader begins at the beginning. */
const LOOK_BACK_BYTES = 8 * 1024 * 1024

/**
 * The records of a log that a query asks for, the newest first; reads about what it gives back, from
 * the end of the file. Otherwise as `readForward`.
 */
export async function* readBackward(
  source: LogSource,
  query: ReadQuery = {},
): AsyncGenerator<StoredRecord, void, undefined> {
  const { path } = source.file
  yield* backward(source, query, (read, line) => storedRecord(read, line, path))
}

/** The same without the records' text: what retention needs to know. */
export async function* metasBackward(
  source: LogSource,
  query: ReadQuery,
): AsyncGenerator<RecordMeta, void, undefined> {
  yield* backward(source, query, metaOf)
}

async function* backward<T>(
  source: LogSource,
  query: ReadQuery,
  make: (read: ReadLine, line: Line) => T,
): AsyncGenerator<T, void, undefined> {
  const damage = new DamageReporter(source.file.path, query.onDamage)
  const lines = backwardLines(source, query.signal)
  const plain = source.seed === null
  let before = plain ? (await countPlain(source, query.signal)) + 1 : Number.POSITIVE_INFINITY
  let given = 0
  for (let batch = await lines.next(); batch.length > 0; batch = await lines.next()) {
    for (const line of batch) {
      const judged = judgeLine(line, source.seed)
      if (judged === 'own') damage.sound()
      if (judged === 'own' || judged === 'blank') continue
      const read =
        judged === 'bad' || !plain
          ? judged
          : { ...judged, header: { ...judged.header, seq: before - 1 } }
      if (read === 'bad' || read.header.seq >= before) {
        damage.bad(line.offset, line.length)
        continue
      }
      damage.sound()
      before = read.header.seq
      if (before <= (query.afterSeq ?? 0)) return
      if (!matches(read.header, query)) continue
      yield make(read, line)
      given++
      if (given === query.limit) return
    }
  }
  damage.sound()
}

function backwardLines(source: LogSource, signal: AbortSignal | undefined): BackwardLines {
  const { file, size, seed, start = 0 } = source
  return new BackwardLines(file, { from: start, to: size, seed, signal })
}

/** How many records a plain log holds: their numbers are their places. */
async function countPlain(source: LogSource, signal: AbortSignal | undefined): Promise<number> {
  const { file, size, start = 0 } = source
  const window = new FileWindow(file, size, 1024 * 1024)
  let count = 0
  const range = { from: start, to: size, seed: null, wholeUpTo: WHOLE_LINE_BYTES, signal }
  await eachLine(window, range, (line) => {
    if (typeof judgeLine(line, null) === 'object') count++
    return undefined
  })
  return count
}

/**
 * Where a reader who wants numbers above `afterSeq` may begin: behind the line that has it, if that
 * is near the end, else at the first line.
 */
export async function startBehind(
  source: LogSource,
  afterSeq: number | undefined,
): Promise<number> {
  const { size, seed, start = 0 } = source
  if (afterSeq === undefined || afterSeq <= 0 || seed === null) return start
  const lines = backwardLines(source, undefined)
  for (let batch = await lines.next(); batch.length > 0; batch = await lines.next()) {
    for (const line of batch) {
      const judged = judgeLine(line, seed)
      if (typeof judged !== 'object') continue
      if (judged.header.seq <= afterSeq) return line.offset + line.length
    }
    const last = batch.at(-1)
    if (last === undefined || size - last.offset > LOOK_BACK_BYTES) break
  }
  return start
}
