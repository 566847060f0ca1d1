import { isUtf8, Buffer } from 'node:buffer'
import type { Anomaly } from '@papyra/contracts'
import type { Extent, LogScan } from '../scan-types.js'
import { counted, emptyScan } from './empty-scan.js'
import { FileWindow } from './file-window.js'
import { Findings, many } from './findings.js'
import { WHOLE_LINE_BYTES } from './for-each-line.js'
import { eachLine, type Line } from './lines.js'
import { noticePlain, noticesOfKinds } from './notices.js'
import type { OpenedLog } from './open-log.js'
import { wrongField } from './plain-fields.js'
import { parseObject, splitGlued } from './plain-split.js'
import { progressTeller, type LogScanOptions } from './scan-options.js'
import { soundStart, soundStop } from './stray.js'
import { Strays } from './strays.js'
import { UnknownKinds } from './unknown-kinds.js'

const WINDOW_BYTES = 1024 * 1024

/** Scans a log without checksums: whether each line is a record. Its records are numbered by place. */
export async function scanPlain(opened: OpenedLog, options: LogScanOptions): Promise<LogScan> {
  const { path, file, stat, sidecar, mark } = opened
  const window = new FileWindow(file, stat.size, WINDOW_BYTES)
  const look = new PlainLook(path, stat.size)
  const tell = progressTeller(stat.size, options)
  const range = {
    from: 0,
    to: stat.size,
    seed: null,
    wholeUpTo: WHOLE_LINE_BYTES,
    signal: options.signal,
  }
  await eachLine(window, range, (line) => {
    look.line(line, options.ownerAlive === true)
    tell(line.offset + line.length, look.records)
    return undefined
  })
  const { findings, keep, records } = look.finish()
  const onlyTail = findings.inLog === 1 && findings.setAside[0]?.code === 'torn_tail'
  return {
    ...emptyScan({ path, sidecar, mark, size: stat.size }, 'plain'),
    ...counted(findings.all(), options),
    coverage: 'structure',
    soundEnd: look.soundEnd,
    notices: [noticePlain(path), ...noticesOfKinds(path, look.kinds.all)],
    records,
    firstSeq: records > 0 ? 1 : null,
    lastSeq: records,
    knownEnd: records,
    keep,
    setAside: findings.setAside,
    cutMends: onlyTail,
    bytesSound: findings.inLog === 0,
    lines: look.lines,
  }
}

class PlainLook {
  readonly kinds: UnknownKinds = new UnknownKinds()
  readonly lines = { total: 0, bad: 0 }
  records = 0
  soundEnd = 0
  readonly #findings: Findings
  readonly #size: number
  readonly #strays: Strays = new Strays()
  readonly #keep: Extent[] = []
  /** Neighbouring lines with the same fault are one find. */
  #bad: { code: Anomaly['code']; offset: number; end: number; lines: number; why: string } | null =
    null

  constructor(path: string, size: number) {
    this.#findings = new Findings(path)
    this.#size = size
  }

  line(line: Line, ownerAlive: boolean): void {
    const { bytes, offset, length, ended, long } = line
    const start = soundStart(bytes, line.start, line.stop)
    const stop = soundStop(bytes, start, line.stop)
    if (start === stop) {
      this.#strays.blank(offset, length)
      if (this.#bad === null) this.soundEnd = offset + length
      return
    }
    this.lines.total++
    // A line too long to be parsed is taken as it is: length alone is no damage.
    const value = long === null ? objectIn(bytes, start, stop) : null
    if (value === null && long === null) {
      this.#notOne(line, start, stop, ownerAlive)
      return
    }
    const wrong = value === null ? null : wrongField(value)
    if (wrong !== null) {
      this.#hold(
        'invalid_record',
        offset,
        offset + length,
        `The field ${wrong} is missing or of the wrong type.`,
      )
      return
    }
    const [before, behind] = [start - line.start, line.stop - stop]
    if (before + behind > 0 && long === null) this.#strays.around(line, before, behind)
    if (value !== null) this.kinds.count(String(value['kind']), offset, this.records + 1)
    this.#record(offset, offset + length)
    if (!ended) this.soundEnd = offset + length
  }

  #notOne(line: Line, start: number, stop: number, ownerAlive: boolean): void {
    const { bytes, offset, length, ended } = line
    const end = offset + length
    const text = isUtf8(bytes.subarray(start, stop)) ? bytes.toString('utf8', start, stop) : null
    const pieces = text === null ? [] : splitGlued(text)
    if (
      text !== null &&
      pieces.length > 0 &&
      pieces.every(({ value }) => wrongField(value) === null)
    ) {
      this.#glued(text, pieces, { offset: offset + start - line.start, end, from: offset })
      return
    }
    if (!ended) {
      this.#flush()
      if (!ownerAlive) {
        this.#findings.log(
          'torn_tail',
          { offset, end },
          { detail: 'The last line has no end and is no JSON object.' },
        )
        this.#findings.aside('torn_tail', offset, end)
      }
      this.lines.bad++
      return
    }
    const why = text === null ? 'It is not valid UTF-8.' : 'It is not a JSON object.'
    this.#hold('corrupt_record', offset, end, why)
  }

  #glued(
    text: string,
    pieces: readonly { start: number; end: number }[],
    place: { offset: number; end: number; from: number },
  ): void {
    this.#flush()
    this.lines.bad++
    const { offset, end, from } = place
    const at = (index: number): number => offset + Buffer.byteLength(text.slice(0, index))
    this.#findings.log(
      'glued_line',
      { offset: from, end },
      { detail: `${many(pieces.length, 'sound record')} on a line with other bytes.` },
    )
    let done = from
    for (const [i, piece] of pieces.entries()) {
      const start = at(piece.start)
      const last = i === pieces.length - 1 && piece.end === text.length && at(piece.end) + 1 === end
      const stop = last ? end : at(piece.end)
      this.#findings.aside('glued_line', done, start)
      this.#keep.push({
        offset: start,
        end: stop,
        firstSeq: this.records + 1,
        lastSeq: this.records + 1,
        records: 1,
      })
      this.records++
      done = stop
    }
    this.#findings.aside('glued_line', done, end)
    this.soundEnd = end
  }

  #record(offset: number, end: number): void {
    this.#flush()
    this.records++
    this.soundEnd = end
    const last = this.#keep.at(-1)
    if (last === undefined || last.end !== offset) {
      this.#keep.push({ offset, end, firstSeq: this.records, lastSeq: this.records, records: 1 })
    } else {
      this.#keep[this.#keep.length - 1] = {
        ...last,
        end,
        lastSeq: this.records,
        records: last.records + 1,
      }
    }
  }

  #hold(code: Anomaly['code'], offset: number, end: number, why: string): void {
    this.lines.bad++
    const bad = this.#bad
    if (bad !== null && bad.code === code && code === 'corrupt_record') {
      bad.end = end
      bad.lines++
      return
    }
    this.#flush()
    this.#bad = { code, offset, end, lines: 1, why }
  }

  #flush(): void {
    const bad = this.#bad
    this.#bad = null
    if (bad === null) return
    const { code, offset, end, lines, why } = bad
    const detail = lines === 1 ? why : `${many(lines, 'line')}; the first: ${why}`
    this.#findings.log(code, { offset, end }, { detail })
    this.#findings.aside(code, offset, end)
    this.soundEnd = Math.max(this.soundEnd, Math.min(end, this.#size))
  }

  finish(): { findings: Findings; keep: readonly Extent[]; records: number } {
    this.#flush()
    for (const { offset, end, count, pieces } of this.#strays.all) {
      const detail = `Stray bytes in ${many(count, 'place')} around sound lines.`
      this.#findings.log('stray_bytes', { offset, end }, { detail })
      if (pieces.length < count) this.#findings.aside('stray_bytes', offset, end)
      else for (const piece of pieces) this.#findings.aside('stray_bytes', piece.offset, piece.end)
    }
    this.#findings.setAside.sort((a, b) => a.offset - b.offset)
    return { findings: this.#findings, keep: this.#keep, records: this.records }
  }
}

function objectIn(bytes: Buffer, start: number, stop: number): Record<string, unknown> | null {
  if (!isUtf8(bytes.subarray(start, stop))) return null
  return parseObject(bytes.toString('utf8', start, stop))
}
