import type { Throttled } from '@papyra/contracts'
import type { VfsFile } from '../vfs.js'
import { paced, pacerOf, type Pacer } from './pacer.js'

/** How a long read may be stopped and slowed down. */
export interface LongRead extends Throttled {
  readonly signal?: AbortSignal
}

/** The same file, read no faster than the pacer lets it; without one as it is. */
export function pacedBy(
  file: VfsFile,
  pacer: Pacer | undefined,
  signal: AbortSignal | undefined,
): VfsFile {
  return pacer === undefined ? file : paced(file, pacer, signal)
}

/** The same source, read no faster than was asked for. Throws `invalid_argument`. */
export function slowedDown<S extends { readonly file: VfsFile }>(
  source: S,
  { bytesPerSecond, signal }: LongRead,
): S {
  return { ...source, file: pacedBy(source.file, pacerOf(bytesPerSecond), signal) }
}
