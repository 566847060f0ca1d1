import type { AckMarkResult } from '../format/ack-mark.js'
import type { SidecarResult } from '../format/sidecar.js'
import type { Vfs } from '../vfs.js'
import { readMarkFile } from '../write/mark-file.js'
import { readSidecarFile } from '../write/sidecar-file.js'

/** What stands beside a log. */
export interface Beside {
  readonly sidecar: SidecarResult
  readonly mark: AckMarkResult
}

export async function readBeside(vfs: Vfs, log: string): Promise<Beside> {
  return { sidecar: await readSidecarFile(vfs, log), mark: await readMarkFile(vfs, log) }
}

/**
 * True if what stands beside a path with no log shows that there was one: then the log is gone, and
 * no new one may be made in its place. A creation that was killed half-way leaves no such thing.
 */
export function logIsLost({ sidecar, mark }: Beside): boolean {
  if (mark.state === 'ok' && mark.mark.acked > 0) return true
  if (sidecar.state === 'missing') return mark.state === 'damaged'
  if (sidecar.state !== 'ok') return true
  const { opened, closed, nextSeq, history } = sidecar.sidecar
  const untouched = opened === null && closed === null && nextSeq === 1
  return !untouched || history.some((entry) => entry.what !== 'created')
}
