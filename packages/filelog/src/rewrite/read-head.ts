import { Buffer } from 'node:buffer'
import { LF } from '../format/frame.js'
import { type Head, decodeHead } from '../format/head.js'
import type { VfsFile } from '../vfs.js'
import { withIo } from './io.js'

/** No head is longer. */
const MOST_HEAD_BYTES = 4096

/** The first line of an open log if it is a sound head, and where the line behind it begins. */
export interface ReadHead {
  readonly head: Head
  readonly end: number
}

/** Reads the head; `null` if the first line is none, or is not sound. */
export async function readHead(file: VfsFile): Promise<ReadHead | null> {
  const buffer = Buffer.alloc(MOST_HEAD_BYTES)
  const got = await withIo('Reading', file.path, () => file.read(buffer, 0, buffer.length, 0))
  const end = buffer.subarray(0, got).indexOf(LF)
  if (end < 0) return null
  const result = decodeHead(buffer, 0, end)
  return result.state === 'ok' ? { head: result.head, end: end + 1 } : null
}
