import { Buffer } from 'node:buffer'
import { LF, TAIL_BYTES, hasTail } from '../format/frame.js'
import { decodeHead, type Head } from '../format/head.js'
import type { FileWindow } from './file-window.js'
import { soundStart, soundStop } from './stray.js'

/** The head is looked for in so many bytes. */
export const HEAD_BYTES: number = 64 * 1024

/** What stands at the beginning of a file. */
export type Beginning =
  | {
      readonly state: 'ok'
      readonly head: Head
      /** Where the head begins and ends, its 0x0A counted. */
      readonly offset: number
      readonly end: number
      /** Stray bytes around it. */
      readonly stray: readonly { offset: number; end: number }[]
      /** False if the file ends before the head's 0x0A. */
      readonly ended: boolean
      /** Bytes before it that are not blank. */
      readonly glued: boolean
      /** What stands between it and the next line, if its own end is gone. */
      readonly joined: { readonly offset: number; readonly end: number } | null
    }
  | { readonly state: 'newer'; readonly format: number; readonly logId: string }
  | { readonly state: 'none' }

const OPEN = Buffer.from('{"seq":0,"kind":"_log",')
const CRC = Buffer.from(',"crc":"')

/** Looks for the head in the first line that is not blank; stray bytes around it do not matter. */
export async function findHead(window: FileWindow): Promise<Beginning> {
  const have = await window.load(0, HEAD_BYTES)
  const base = window.index(0)
  const bytes = window.buffer.subarray(base, base + have)
  let start = soundStart(bytes, 0, have)
  while (bytes[start] === LF) start = soundStart(bytes, start + 1, have)
  const lf = bytes.indexOf(LF, start)
  const line = lf < 0 ? have : lf
  const at = bytes.subarray(0, line).indexOf(OPEN, start)
  if (at < 0) return { state: 'none' }
  for (
    let crc = bytes.indexOf(CRC, at);
    crc >= 0 && crc < line;
    crc = bytes.indexOf(CRC, crc + 1)
  ) {
    const stop = crc + TAIL_BYTES
    if (stop > line || !hasTail(bytes, at, stop)) continue
    const result = decodeHead(bytes, at, stop)
    if (result.state === 'newer') return result
    if (result.state !== 'ok') continue
    const blankTo = soundStop(bytes, stop, line) === stop ? line : stop
    const ended = blankTo === line && lf >= 0
    const stray = []
    if (at > 0 && at === start) stray.push({ offset: 0, end: at })
    if (blankTo > stop) stray.push({ offset: stop, end: blankTo })
    const next = soundStart(bytes, stop, line)
    const joined =
      !ended && bytes[next] === 0x7b && next < line ? { offset: stop, end: next } : null
    const end = joined?.end ?? blankTo + (ended ? 1 : 0)
    const whole = ended || end < have
    return {
      state: 'ok',
      head: result.head,
      offset: at,
      end,
      stray,
      ended: whole,
      glued: at > start,
      joined,
    }
  }
  return { state: 'none' }
}
