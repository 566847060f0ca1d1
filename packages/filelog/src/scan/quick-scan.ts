import { systemClock, type Notice, type UnreadPart } from '@papyra/contracts'
import { decodeBlockMark, chainStart } from '../format/block-mark.js'
import { verifies, parseHeader } from '../format/frame.js'
import type { LogScan, OpenBlock } from '../scan-types.js'
import type { ClosedFigures } from '../format/sidecar.js'
import type { VfsStat } from '../vfs.js'
import { BackwardLines } from './backward-lines.js'
import { emptyScan } from './empty-scan.js'
import { HEAD_BYTES } from './find-head.js'
import { FileWindow } from './file-window.js'
import type { Known } from './identify.js'
import type { Line } from './lines.js'
import type { OpenedLog } from './open-log.js'
import { recordSeq } from './record-seq.js'
import { RunningSum } from './running-sum.js'
import type { LogScanOptions } from './scan-options.js'

/** If no mark is found in so many bytes from the end, the log is scanned in full. */
const MOST_BYTES = 32 * 1024 * 1024
const DAY_MS = 86_400_000

/**
 * Looks only at what a clean close leaves: head, sidecar, mark, and the records since the last block
 * mark. `null` if anything is not as it should be, or the last verification of every byte is too long
 * ago; then the log has to be scanned in full. What it reads does not depend on the size of the log.
 */
export async function quickScan(
  opened: OpenedLog,
  known: Known,
  notices: readonly Notice[],
  options: LogScanOptions,
): Promise<LogScan | null> {
  const { path, stat, sidecar, mark, beginning } = opened
  const { identity, head } = known
  const closed = untouched(opened, known)
  if (closed === null || head === null || beginning.state !== 'ok') return null
  const verifiedAt = recentlyVerified(known, options)
  if (verifiedAt === null) return null
  const open = await openBlockFromEnd(opened, known, closed, options)
  if (open === null || open.total !== closed.records) return null
  return {
    ...emptyScan({ path, sidecar, mark, size: stat.size }, 'checksummed'),
    coverage: 'quick',
    unread: unreadPart(open.offset - beginning.end, verifiedAt),
    identity,
    head,
    soundEnd: stat.size,
    notices,
    records: closed.records,
    firstSeq: closed.records === 0 ? null : await firstNumber(opened),
    lastSeq: closed.lastSeq,
    knownEnd: closed.lastSeq,
    lines: { total: open.records + 1, bad: 0 },
    openBlock: open,
  }
}

/** When every byte was last verified, if that is not too long ago; `null` otherwise. */
function recentlyVerified(
  { sidecar }: Known,
  { clock = systemClock, maxVerifiedAgeMs = DAY_MS }: LogScanOptions,
): number | null {
  const verifiedAt = sidecar?.verifiedAt ?? null
  if (verifiedAt === null) return null
  const age = clock.now() - verifiedAt
  // A time that lies ahead says that the clock was set back: how long ago it was nobody knows.
  return age >= 0 && age < maxVerifiedAgeMs ? verifiedAt : null
}

function unreadPart(bytes: number, verifiedAt: number): UnreadPart {
  return { files: bytes === 0 ? 0 : 1, bytes, verifiedAt }
}

/** The figures of the close, if nothing has been touched since. */
function untouched({ stat, mark, beginning }: OpenedLog, known: Known): ClosedFigures | null {
  const { sidecar, head, foreign, olderCopy, identity } = known
  if (sidecar === null || head === null || foreign || olderCopy || beginning.state !== 'ok')
    return null
  if (
    beginning.stray.length > 0 ||
    beginning.glued ||
    beginning.joined !== null ||
    !beginning.ended
  )
    return null
  const { clean, closed, next, generation } = sidecar
  if (!clean || closed === null || next !== null || generation !== identity.generation) return null
  if (mark.state !== 'ok' || known.mark === null || mark.damaged.length > 0) return null
  const { acked, offset } = known.mark
  if (known.mark.generation !== generation || acked !== closed.lastSeq || offset !== stat.size)
    return null
  return sidecar.nextSeq - 1 <= closed.lastSeq && sameFile(closed.fingerprint, stat) ? closed : null
}

function sameFile(
  { inode, size, mtimeNs, ctimeNs }: ClosedFigures['fingerprint'],
  stat: VfsStat,
): boolean {
  return (
    inode === String(stat.inode) &&
    size === stat.size &&
    mtimeNs === String(stat.mtimeNs) &&
    ctimeNs === String(stat.ctimeNs)
  )
}

/** The records behind the last block mark, counted from the end. */
class OpenEnd {
  records = 0
  /** The number before the ones counted so far. */
  seq: number
  readonly #seed: number

  constructor(lastSeq: number, seed: number) {
    this.seq = lastSeq
    this.#seed = seed
  }

  /** Takes the line before; gives the mark if it is one, `bad` if it is not what comes before. */
  take({ bytes, start, stop, ended, long }: Line): ReturnType<typeof decodeBlockMark> | 'bad' {
    if (long !== null || !ended || !verifies(bytes, start, stop, this.#seed)) return 'bad'
    const own = recordSeq(bytes, start, stop)
    const header = own > 0 ? null : parseHeader(bytes, start, stop)
    if (header?.kind === '_block') {
      const decoded = decodeBlockMark(bytes, start, stop)
      return decoded?.mark.lastSeq === this.seq ? decoded : 'bad'
    }
    const found = own > 0 ? own : (header?.seq ?? 0)
    if (found !== this.seq || header?.kind.startsWith('_') === true) return 'bad'
    this.records++
    this.seq--
    return null
  }
}

/** Verifies the records behind the last block mark, from the end; `null` if any is not sound. */
async function openBlockFromEnd(
  { file, stat, beginning }: OpenedLog,
  { identity, head }: Known,
  closed: ClosedFigures,
  { signal }: LogScanOptions,
): Promise<OpenBlock | null> {
  if (beginning.state !== 'ok' || head === null) return null
  const { seed, generation } = identity
  const lines = new BackwardLines(file, { from: beginning.end, to: stat.size, seed, signal })
  const end = new OpenEnd(closed.lastSeq, seed)
  let place = { offset: beginning.end, total: 0, prev: chainStart(generation, seed) }
  let found = false
  for (let batch = await lines.next(); batch.length > 0; batch = await lines.next()) {
    for (const line of batch) {
      const mark = end.take(line)
      if (mark === 'bad' || lines.bytesRead > MOST_BYTES) return null
      if (mark === null) continue
      if (mark.mark.generation !== generation) return null
      place = { offset: line.offset + line.length, total: mark.mark.total, prev: mark.crc }
      found = true
      break
    }
    if (found) break
  }
  const { records, seq } = end
  if (!found && seq !== Math.max(0, head.firstSeq - 1)) return null
  const sum = await new RunningSum(seed, place.offset).at(stat.size, file)
  return {
    ...place,
    bytes: stat.size - place.offset,
    records,
    after: seq,
    firstSeq: records === 0 ? 0 : seq + 1,
    total: place.total + records,
    sum,
  }
}

/** The number of the first record, if it is not far from the head. */
async function firstNumber({ file, stat, beginning }: OpenedLog): Promise<number | null> {
  if (beginning.state !== 'ok') return null
  const window = new FileWindow(file, stat.size, HEAD_BYTES)
  const have = await window.load(beginning.end, HEAD_BYTES)
  const start = window.index(beginning.end)
  const header = parseHeader(window.buffer, start, start + have)
  return header === null || header.kind.startsWith('_') ? null : header.seq
}
