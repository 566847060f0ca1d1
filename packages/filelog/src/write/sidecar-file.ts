import { FORMAT } from '../format/head.js'
import { sidecarPath } from '../format/names.js'
import {
  decodeSidecar,
  encodeSidecar,
  type Sidecar,
  type SidecarResult,
} from '../format/sidecar.js'
import type { Vfs } from '../vfs.js'
import { readSmallFile, writeFileAtomic } from './atomic-write.js'

/** A sidecar that is larger was not written by this code. */
const MAX_SIDECAR_BYTES = 16 * 1024 * 1024

/** Reads the sidecar of a log. `damaged` also if it is no regular file. Rejects with `unreadable`. */
export async function readSidecarFile(vfs: Vfs, log: string): Promise<SidecarResult> {
  const bytes = await readSmallFile(vfs, sidecarPath(log), MAX_SIDECAR_BYTES)
  if (bytes === null) return { state: 'missing' }
  return bytes === 'damaged' ? { state: 'damaged' } : decodeSidecar(bytes, FORMAT)
}

/**
 * Replaces the sidecar of a log, atomically; durable when it resolves. It gets the mode and owner of
 * the log, or 0600 if there is no log yet. Rejects with `io_error`.
 */
export async function writeSidecarFile(vfs: Vfs, log: string, sidecar: Sidecar): Promise<void> {
  const looks = await vfs.stat(log)
  await writeFileAtomic(vfs, sidecarPath(log), encodeSidecar(sidecar), looks)
}
