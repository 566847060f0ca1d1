import { jsonBackend } from '@papyra/backend-json'
import { rotationBackend } from '@papyra/backend-rotation'
import { PapyraError, type AckLevel, type BackendDefinition, type Clock } from '@papyra/contracts'
import type { Vfs } from '@papyra/filelog'

/** The stores of files: all that is proven here is proven for each of them. */
export const KINDS = ['json', 'rotation'] as const
export type StoreKind = (typeof KINDS)[number]

export interface StoreSettings {
  readonly ack?: AckLevel
  /** Of a segment; small, so that there are many. Default 64 KiB. */
  readonly segmentBytes?: number
  readonly vfs?: Vfs
  readonly clock?: Clock
}

/** The store at `path`: a file, or a folder of segments. */
export function definitionOf(
  kind: StoreKind,
  path: string,
  { segmentBytes = 65_536, ...shared }: StoreSettings = {},
): BackendDefinition {
  if (kind === 'json') return jsonBackend({ path, ...shared })
  return rotationBackend({ dir: path, segment: { maxBytes: segmentBytes }, ...shared })
}

/** The kind that a command line names. */
export function kindOf(name: string | undefined): StoreKind {
  const found = KINDS.find((kind) => kind === name)
  if (found !== undefined) return found
  throw new PapyraError('invalid_argument', `there is no store ${JSON.stringify(name)}.`)
}
