import type { RecordMeta } from '@papyra/contracts'
import type { LogSource } from './log-source.js'
import { metasBackward } from './read-backward.js'
import { metasForward } from './read-forward.js'

export interface MetasOptions {
  /** Retention reads the newest first. */
  readonly order: 'oldest' | 'newest'
  readonly signal?: AbortSignal
  readonly onDamage?: (damage: { path: string; offset: number; length: number }) => void
}

/**
 * Number, kind, time and size of every record, without its text; each line's checksum is verified.
 * Damage goes to `onDamage`, or else throws `anomalies_found`.
 */
export function readMetas(source: LogSource, options: MetasOptions): AsyncIterable<RecordMeta> {
  const { order, signal, onDamage } = options
  const query = { ...(signal && { signal }), ...(onDamage && { onDamage }) }
  return order === 'newest' ? metasBackward(source, query) : metasForward(source, query)
}
