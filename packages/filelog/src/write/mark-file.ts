import { Buffer } from 'node:buffer'
import {
  decodeAckMark,
  decodeSlot,
  encodeSlot,
  SLOT_BYTES,
  type AckMark,
  type AckMarkResult,
} from '../format/ack-mark.js'
import { markPath } from '../format/names.js'
import type { Vfs, VfsFile } from '../vfs.js'
import { readSmallFile, writeFileAtomic } from './atomic-write.js'
import { ioError } from './io-error.js'

/** Says how far was acknowledged. A slot is at the place that its turn gives: even first, odd second. */
export interface MarkWriter {
  /**
   * Writes a slot, blocking and unsynced: seen by every process at once, and after this one was
   * killed. It is the slot that is not the last synced one, so that a power cut, which may tear what
   * is not synced, leaves one of the two. If it throws, the next call writes the same slot.
   */
  write(acked: number, synced: number, offset: number): void
  /** Makes what was written durable. After a failure: never again. */
  sync(): Promise<void>
  /**
   * Ends the writer. With `finalBothSlots` both slots first get what was written last, synced, so
   * that either alone tells it. Idempotent; the file is closed even if it rejects.
   */
  close(finalBothSlots: boolean): Promise<void>
}

/** A slot that its owner is writing may be read half old and half new: then it is read so often. */
const MOST_READS = 8

/**
 * Reads the mark file of a log. `damaged` also if it is no regular file. A slot that is not sound is
 * read again: its owner may be writing it. Rejects with `unreadable`.
 */
export async function readMarkFile(vfs: Vfs, log: string): Promise<AckMarkResult> {
  for (let reads = 1; ; reads++) {
    const result = await readOnce(vfs, log)
    const sound = result.state === 'missing' || (result.state === 'ok' && !result.damaged.length)
    if (sound || reads === MOST_READS) return result
  }
}

async function readOnce(vfs: Vfs, log: string): Promise<AckMarkResult> {
  // A few bytes more than it may have, so that bytes behind the slots are seen.
  const bytes = await readSmallFile(vfs, markPath(log), 64 * SLOT_BYTES)
  if (bytes === null) return { state: 'missing' }
  return bytes === 'damaged' ? { state: 'damaged' } : decodeAckMark(bytes)
}

function bothSlots(mark: AckMark): Buffer {
  const next = { ...mark, turn: mark.turn + 1 }
  const slots = mark.turn % 2 === 0 ? [mark, next] : [next, mark]
  return Buffer.concat(slots.map(encodeSlot))
}

/**
 * Puts a fresh mark file in place, atomically, both slots saying the same; durable when it resolves.
 * It gets the mode and owner of the log, or 0600 if there is no log yet. Rejects with `io_error`.
 */
export async function writeMarkFile(vfs: Vfs, log: string, mark: AckMark): Promise<void> {
  await writeFileAtomic(vfs, markPath(log), bothSlots(mark), await vfs.stat(log))
}

class SlotWriter implements MarkWriter {
  readonly #file: VfsFile
  #last: AckMark
  /** True if the slot that was written last is not synced: then it is the one to be written again. */
  #dirty: boolean = false
  #closed: boolean = false

  constructor(file: VfsFile, last: AckMark) {
    this.#file = file
    this.#last = last
  }

  write(acked: number, synced: number, offset: number): void {
    const { logId, generation, turn } = this.#last
    // A power cut may tear every slot that is not synced: one of the two always is.
    this.#put({ logId, generation, turn: turn + (this.#dirty ? 2 : 1), acked, synced, offset })
    this.#dirty = true
  }

  async sync(): Promise<void> {
    const { turn } = this.#last
    await this.#file.datasync()
    if (this.#last.turn === turn) this.#dirty = false
  }

  async close(finalBothSlots: boolean): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      if (finalBothSlots) {
        if (this.#dirty) await this.#file.datasync()
        this.#put({ ...this.#last, turn: this.#last.turn + 1 })
        await this.#file.datasync()
      }
    } catch (error) {
      throw ioError(error, 'Writing', this.#file.path)
    } finally {
      await this.#file.close()
    }
  }

  #put(mark: AckMark): void {
    const at = (mark.turn % 2) * SLOT_BYTES
    const slot = encodeSlot(mark)
    let n = this.#file.writeSync(slot, 0, SLOT_BYTES, at)
    // It may have torn the only slot that says what was acknowledged: once more before giving up.
    if (n !== SLOT_BYTES) n = this.#file.writeSync(slot, 0, SLOT_BYTES, at)
    if (n !== SLOT_BYTES) {
      throw new Error(`a write of ${SLOT_BYTES} bytes to ${this.#file.path} wrote ${n}`)
    }
    this.#last = mark
  }
}

/** The turn to go on with if the file says, soundly and in the right places, what `start` says. */
async function turnInPlace(file: VfsFile, start: AckMark): Promise<number | null> {
  const { type, size } = await file.stat()
  if (type !== 'file' || size !== 2 * SLOT_BYTES) return null
  const bytes = Buffer.alloc(size)
  if ((await file.read(bytes, 0, size, 0)) !== size) return null
  const slots = [0, 1].map((i) => decodeSlot(bytes.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES)))
  const inPlace = slots.every((slot, i) => slot !== null && slot.turn % 2 === i)
  const newest = slots.reduce((a, b) => ((b?.turn ?? -1) > (a?.turn ?? -1) ? b : a), null)
  if (!inPlace || newest === null) return null
  const same = encodeSlot({ ...newest, turn: 0 }).equals(encodeSlot({ ...start, turn: 0 }))
  return same ? newest.turn : null
}

/**
 * Opens the mark file of a log for writing, starting from `start`. If the file does not say just
 * that in two sound slots, a fresh one is put in place first. Rejects with `io_error`.
 */
export async function openMarkWriter(vfs: Vfs, log: string, start: AckMark): Promise<MarkWriter> {
  const path = markPath(log)
  try {
    const stat = await vfs.stat(path)
    if (stat?.type === 'file') {
      const file = await vfs.open(path, 'read-write')
      const turn = await turnInPlace(file, start).catch(() => null)
      if (turn !== null) {
        // Whoever wrote it may have been killed before a sync.
        await file.datasync()
        return new SlotWriter(file, { ...start, turn })
      }
      await file.close()
    }
    await writeMarkFile(vfs, log, start)
    return new SlotWriter(await vfs.open(path, 'read-write'), { ...start, turn: start.turn + 1 })
  } catch (error) {
    throw ioError(error, 'Opening', path)
  }
}
