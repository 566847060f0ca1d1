import { Buffer } from 'node:buffer'
import { throwIfAborted } from '@papyra/contracts'
import { checksum, parseHex8 } from '../format/checksum.js'
import { LF, TAIL_BYTES, hasTail } from '../format/frame.js'
import type { FileWindow } from './file-window.js'
import { soundStart, soundStop } from './stray.js'

/** What is kept of the beginning of a line that is too long for memory: enough for its header. */
const FIRST_BYTES = 4096
/** What is held back from the checksum: the line's own checksum, and stray bytes behind it. */
const LAST_BYTES = 64

/** A line that went by in pieces. */
export interface LongLine {
  /** Whole length, the 0x0A counted. */
  readonly length: number
  readonly ended: boolean
  /** Its first bytes. */
  readonly first: Buffer
  /** True if it carries the right checksum, stray bytes around it left out; of a plain log: always. */
  readonly sound: boolean
  /** Stray bytes before and behind what carries the checksum, the 0x0A not counted. */
  readonly strayBefore: number
  readonly strayBehind: number
}

/** Checks a line of any length in constant memory. */
export async function readLongLine(
  window: FileWindow,
  offset: number,
  range: {
    readonly to: number
    readonly seed: number | null
    readonly signal?: AbortSignal | undefined
  },
): Promise<LongLine> {
  await window.load(offset, FIRST_BYTES)
  const at = window.index(offset)
  const first = Buffer.from(
    window.buffer.subarray(at, at + Math.min(FIRST_BYTES, window.loaded(offset))),
  )
  const strayBefore = soundStart(first, 0, first.length)
  const state = new Running(range.seed ?? 0)
  let pos = offset + strayBefore
  let ended = false
  while (!ended && pos < range.to) {
    throwIfAborted(range.signal)
    const have = Math.min(await window.load(pos, window.capacity), range.to - pos)
    if (have === 0) break
    const from = window.index(pos)
    const part = window.buffer.subarray(from, from + have)
    const lf = part.indexOf(LF)
    ended = lf >= 0
    const bytes = ended ? part.subarray(0, lf) : part
    state.add(bytes)
    pos += bytes.length + (ended ? 1 : 0)
  }
  const { strayBehind, sound } = state.finish()
  return {
    length: pos - offset,
    ended,
    first,
    strayBefore,
    strayBehind,
    sound: range.seed === null || sound,
  }
}

/** A checksum that runs behind by the last bytes, which may be the line's own. */
class Running {
  #state: number
  #held: Buffer = Buffer.alloc(0)

  constructor(seed: number) {
    this.#state = seed
  }

  add(bytes: Buffer): void {
    if (bytes.length <= LAST_BYTES) {
      this.#keep(Buffer.concat([this.#held, bytes]))
      return
    }
    this.#state = checksum(this.#held, this.#state)
    this.#held = Buffer.alloc(0)
    this.#keep(bytes)
  }

  #keep(bytes: Buffer): void {
    const cut = Math.max(0, bytes.length - LAST_BYTES)
    this.#state = checksum(bytes.subarray(0, cut), this.#state)
    this.#held = Buffer.from(bytes.subarray(cut))
  }

  finish(): { strayBehind: number; sound: boolean } {
    const held = this.#held
    const stop = soundStop(held, 0, held.length)
    const strayBehind = held.length - stop
    if (!hasTail(held, 0, stop)) return { strayBehind, sound: false }
    const own = checksum(held.subarray(0, stop - TAIL_BYTES), this.#state)
    return { strayBehind, sound: own === parseHex8(held, stop - 10) }
  }
}
