import { PapyraError } from '@papyra/contracts'
import type { LogScan } from '../scan-types.js'
import { LF } from '../format/frame.js'
import type { Vfs, VfsFile } from '../vfs.js'
import { withIo, writeAll } from './io.js'
import { writeRemoved, type Stretch } from './removed-file.js'
import { badFiles } from './repair-plan.js'

/** The log that is to be made safe: its path, and its open file, `null` if it is gone. */
export interface TailOf {
  readonly vfs: Vfs
  readonly log: string
  readonly file: VfsFile | null
}

export interface SetAside {
  readonly keptAside: string[]
  /** Where appending may begin: behind a line's end. */
  readonly end: number
}

/**
 * Makes a damaged store safe to append to, and no more: an unfinished tail beyond what was
 * acknowledged, and damaged files beside the log that are about to be written, are kept aside; the
 * tail is cut off, and a sound last line that lacks only its end gets it. Earlier damage stays.
 * Throws `anomalies_found` where the log does not end with bytes that are understood.
 */
export async function setTailAside(
  { vfs, log, file: logFile }: TailOf,
  scan: LogScan,
): Promise<SetAside> {
  const { identity, mark, soundEnd, size, foreign } = scan
  const refuse = (why: string): PapyraError =>
    new PapyraError('anomalies_found', `${log} cannot be appended to: ${why}.`, {
      details: { path: log, offset: soundEnd },
    })
  if (identity === null || identity.source !== 'head') throw refuse('its head is not sound')
  if (foreign) throw refuse('what stands beside it belongs to another log')
  if ((scan.anomalyCounts.unreadable ?? 0) > 0) throw refuse('a part of it cannot be read')
  if (soundEnd < size && (mark.state !== 'ok' || mark.mark.generation !== identity.generation)) {
    throw refuse('its end is damaged, and no mark tells whether that was acknowledged')
  }
  if (soundEnd < size && mark.state === 'ok' && mark.mark.offset > soundEnd) {
    throw refuse('its end is damaged where it was acknowledged')
  }
  const stretches: Stretch[] = []
  const opened = []
  try {
    for (const bad of badFiles(scan)) {
      if (bad.missing || (await vfs.stat(bad.path))?.type !== 'file') continue
      const file = await withIo('Opening', bad.path, () => vfs.open(bad.path, 'read'))
      opened.push(file)
      stretches.push({ file, offset: 0, end: (await file.stat()).size, code: bad.code })
    }
    const tail = soundEnd < size && logFile !== null
    if (tail) stretches.push({ file: logFile, offset: soundEnd, end: size, code: 'torn_tail' })
    const kept =
      stretches.length === 0 ? [] : [await writeRemoved(vfs, log, identity.generation, stretches)]
    if (tail) {
      await withIo('Cutting', log, () => logFile.truncate(soundEnd))
      await withIo('Syncing', log, () => logFile.sync())
    }
    const end = logFile === null ? soundEnd : await endLastLine(logFile, log, soundEnd)
    return { keptAside: kept, end }
  } finally {
    for (const file of opened) await file.close()
  }
}

/** Sees to it that the byte before the end is a line's end, so that nothing is ever glued to it. */
async function endLastLine(file: VfsFile, log: string, end: number): Promise<number> {
  const last = new Uint8Array(1)
  const got = await withIo('Reading', log, () => file.read(last, 0, 1, end - 1))
  if (got === 1 && last[0] === LF) return end
  await writeAll(file, Uint8Array.of(LF), end)
  await withIo('Syncing', log, () => file.sync())
  return end + 1
}
