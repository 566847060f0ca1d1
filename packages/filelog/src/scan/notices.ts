import { basename, dirname } from 'node:path'
import type { Notice, RecordedLoss } from '@papyra/contracts'
import { isOwnTemp, markPath, sidecarPath } from '../format/names.js'
import type { Vfs } from '../vfs.js'
import type { Known } from './identify.js'
import type { UnknownKind } from './unknown-kinds.js'

/** What the files beside a log tell that is no damage. */
export async function noticesBeside(
  vfs: Vfs,
  path: string,
  known: Pick<Known, 'sidecar'> | null,
  ownerAlive: boolean,
): Promise<Notice[]> {
  const out: Notice[] = []
  const base = { path, offset: null, seq: null, count: 1 }
  const side = sidecarPath(path)
  if (ownerAlive) {
    out.push({
      ...base,
      code: 'owner_alive',
      detail: 'A living process has the log open for writing.',
    })
  }
  const temps = ownerAlive ? [] : await ownTemps(vfs, path)
  if (temps.length > 0) {
    const detail = `Left behind by interrupted work: ${temps.slice(0, 5).join(', ')}.`
    out.push({ ...base, code: 'interrupted_work', count: temps.length, detail })
  }
  const sidecar = known?.sidecar ?? null
  if (sidecar === null) return out
  if (sidecar.next !== null && !ownerAlive) {
    const detail = `A rewrite to generation ${sidecar.next} was interrupted.`
    out.push({ ...base, path: side, code: 'interrupted_work', detail })
  }
  return [...out, ...noticesOfLosses(side, sidecar.losses)]
}

/** What earlier recoveries recorded as lost, in the file at `path`. */
export function noticesOfLosses(path: string, losses: readonly RecordedLoss[]): Notice[] {
  return losses.map(({ seq, records, code, at }) => {
    const when =
      Number.isFinite(at) && Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : String(at)
    const detail = `Recorded as lost on ${when} (${code}).`
    return { code: 'recorded_loss', path, offset: null, seq, count: records, detail }
  })
}

async function ownTemps(vfs: Vfs, path: string): Promise<string[]> {
  const names = await vfs.readdir(dirname(path)).catch(() => [])
  const logs = [path, markPath(path), sidecarPath(path)].map((name) => basename(name))
  return names.filter((name) => logs.some((log) => isOwnTemp(log, name))).sort()
}

/** Records of kinds that this version does not know. */
export function noticesOfKinds(path: string, kinds: ReadonlyMap<string, UnknownKind>): Notice[] {
  return [...kinds].map(([kind, { count, offset, seq }]) => ({
    code: 'unknown_kind' as const,
    path,
    offset,
    seq: seq > 0 ? { first: seq, last: seq } : null,
    count,
    detail: `Records of the kind ${JSON.stringify(kind.slice(0, 64))}; the first is at byte ${offset}.`,
  }))
}

/** The tail that a living owner is writing. */
export function noticeInFlight(path: string, offset: number, size: number): Notice {
  const detail = `${size - offset} bytes that a living owner is writing.`
  return { code: 'in_flight_tail', path, offset, seq: null, count: 1, detail }
}

export function noticeUnproven(path: string, after: number): Notice {
  const detail = `The store was not closed before its machine stopped: beyond ${after} nothing is proven.`
  return { code: 'unproven_tail', path, offset: null, seq: null, count: 1, detail }
}

export function noticePlain(path: string): Notice {
  const detail = 'A log without checksums: only its structure was verified.'
  return { code: 'plain_log', path, offset: null, seq: null, count: 1, detail }
}
