import type { Vfs } from '../vfs.js'
import { listFolder } from './folder.js'
import { marksIn } from './lost-marks.js'
import { readManifestFile } from './manifest-file.js'
import { parseSegmentName } from './names.js'

/** Which store this is: as its manifest says, or else the heads of its segments, or else a mark. */
export async function logIdIn(vfs: Vfs, dir: string): Promise<string | null> {
  const read = await readManifestFile(vfs, dir)
  if (read.state === 'ok') return read.manifest.logId
  const folder = await listFolder(vfs, dir)
  const segments = folder.names.filter((name) => parseSegmentName(name) !== null)
  for (const name of segments) {
    const head = (await folder.look(name))?.head ?? null
    if (head !== null) return head.logId
  }
  for (const { result } of await marksIn(vfs, folder)) {
    if (result.state === 'ok') return result.mark.logId
  }
  return null
}
