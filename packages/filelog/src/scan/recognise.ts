import type { Buffer } from 'node:buffer'
import { checksum, parseHex8, seedOf } from '../format/checksum.js'
import { LF, TAIL_BYTES, hasTail, parseHeader, verifies } from '../format/frame.js'
import { idWithSeed, seedBefore } from './crc-math.js'
import { HEAD_BYTES } from './find-head.js'
import { FileWindow } from './file-window.js'
import { plainHeader } from './log-source.js'
import type { OpenedLog } from './open-log.js'
import { soundStart, soundStop } from './stray.js'

/** Lines that are looked at to recognise a file whose head does not tell. */
const MOST_LINES = 1000

/** What a file without a head is, by its first lines alone. */
export type Recognised =
  | { readonly what: 'checksummed'; readonly logId: string; readonly seed: number }
  | { readonly what: 'plain' }
  | { readonly what: 'nothing'; readonly detail: string }

/**
 * Looks at the first lines. Lines with a checksum agree on the seed of their log: the register is run
 * backwards over each. If a damaged head still names the log id with that seed, it is the id; else
 * one is made that has the seed.
 */
export async function recognise(window: FileWindow, besideMissing: boolean): Promise<Recognised> {
  const have = await window.load(0, Math.max(HEAD_BYTES, Math.min(window.capacity, 1024 * 1024)))
  const base = window.index(0)
  const bytes = window.buffer.subarray(base, base + have)
  const seeds = new Map<number, number>()
  const ids = new Set<string>()
  let objects = 0
  let tails = 0
  let lines = 0
  for (let at = 0; at < have && lines < MOST_LINES; lines++) {
    const lf = bytes.indexOf(LF, at)
    const end = lf < 0 ? have : lf
    const start = soundStart(bytes, at, end)
    const stop = soundStop(bytes, start, end)
    for (const id of idsIn(bytes, start, stop)) ids.add(id)
    if (hasTail(bytes, start, stop)) {
      tails++
      if (parseHeader(bytes, start, stop) !== null) count(seeds, seedOfLine(bytes, start, stop))
    } else if (lf >= 0 && plainHeader(bytes.toString('utf8', start, stop)) !== null) objects++
    at = end + 1
  }
  const seed = agreed(seeds, ids)
  if (seed !== null) {
    const logId = [...ids].find((id) => seedOf(id) === seed) ?? idWithSeed(seed)
    return { what: 'checksummed', logId, seed }
  }
  if (tails > 0)
    return {
      what: 'nothing',
      detail: 'The head is gone, and no two lines agree on the log that they are of.',
    }
  if (!besideMissing)
    return {
      what: 'nothing',
      detail: 'What stands beside it is damaged, and no line has a checksum.',
    }
  const single =
    lines <= 1 && plainHeader(bytes.toString('utf8', soundStart(bytes, 0, have), have)) !== null
  if (objects > 0 || single) return { what: 'plain' }
  return { what: 'nothing', detail: 'No line in it is a JSON object.' }
}

/** Lines that are looked at to tell whose log stands behind a head. */
const MOST_SAMPLES = 100

/**
 * True if the head is of another log while sidecar, mark and the lines behind it agree that they are
 * of one.
 */
export async function onlyHeadIsForeign({
  file,
  stat,
  beginning,
  sidecar,
  mark,
}: OpenedLog): Promise<boolean> {
  if (beginning.state !== 'ok' || sidecar.state !== 'ok' || mark.state !== 'ok') return false
  const { logId } = sidecar.sidecar
  if (logId !== mark.mark.logId || logId === beginning.head.logId) return false
  const window = new FileWindow(file, stat.size, 1024 * 1024)
  const have = await window.load(beginning.end, 1024 * 1024)
  const base = window.index(beginning.end)
  const bytes = window.buffer.subarray(base, base + have)
  let ours = 0
  let theirs = 0
  for (let at = 0, lines = 0; at < have && lines < MOST_SAMPLES; lines++) {
    const lf = bytes.indexOf(LF, at)
    const end = lf < 0 ? have : lf
    if (verifies(bytes, at, end, seedOf(logId))) ours++
    else if (verifies(bytes, at, end, seedOf(beginning.head.logId))) theirs++
    at = end + 1
  }
  return ours > theirs
}

function count(seeds: Map<number, number>, seed: number): void {
  seeds.set(seed, (seeds.get(seed) ?? 0) + 1)
}

function seedOfLine(bytes: Buffer, start: number, stop: number): number {
  return seedBefore(bytes.subarray(start, stop - TAIL_BYTES), parseHex8(bytes, stop - 10))
}

/** The seed that most lines have, at least two of them, or one and a log id that is still readable. */
function agreed(seeds: ReadonlyMap<number, number>, ids: ReadonlySet<string>): number | null {
  const named = new Set([...ids].map((id) => checksum(id, 0)))
  let best: number | null = null
  let most = 1
  for (const [seed, n] of seeds) {
    const votes = n + (named.has(seed) ? 1 : 0)
    if (votes > most) {
      best = seed
      most = votes
    }
  }
  return best
}

function idsIn(bytes: Buffer, start: number, stop: number): string[] {
  const text = bytes.toString('latin1', start, Math.min(stop, start + 1024))
  if (!text.includes('_log') && !text.includes('log_id')) return []
  return [...text.matchAll(/"log_id":"([^"\\]{1,200})"/g)].map((match) => match[1] as string)
}
