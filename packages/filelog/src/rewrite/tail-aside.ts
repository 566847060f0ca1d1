import { PapyraError } from '@papyra/contracts'
import type { LogScan } from '../scan-types.js'
import { withIo } from './io.js'
import { writeRemoved, type Stretch } from './removed-file.js'
import { badFiles } from './repair-plan.js'
import type { StoreCore } from './store-core.js'

/**
 * Makes a damaged store safe to append to, and no more: an unfinished tail beyond what was
 * acknowledged, and damaged files beside the log that are about to be written, are kept aside; the
 * tail is cut off. Earlier damage stays. Throws `anomalies_found` where the log does not end with
 * bytes that are understood.
 */
export async function setTailAside(core: StoreCore, scan: LogScan): Promise<string[]> {
  const { vfs, log } = core.settings
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
    const { logFile } = core
    const tail = soundEnd < size && logFile !== null
    if (tail) stretches.push({ file: logFile, offset: soundEnd, end: size, code: 'torn_tail' })
    if (stretches.length === 0) return []
    const path = await writeRemoved(vfs, log, identity.generation, stretches)
    if (tail) {
      await withIo('Cutting', log, () => logFile.truncate(soundEnd))
      await withIo('Syncing', log, () => logFile.sync())
    }
    return [path]
  } finally {
    for (const file of opened) await file.close()
  }
}
