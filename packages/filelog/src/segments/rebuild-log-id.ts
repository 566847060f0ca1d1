import { FileWindow } from '../scan/file-window.js'
import { recognise } from '../scan/recognise.js'
import { marksIn } from './lost-marks.js'
import { parseSegmentName } from './names.js'
import type { SegmentsJob } from './scan-job.js'

/** How much of a file without a head is looked at to recognise it. */
const LOOK_BYTES = 1024 * 1024

/** The log that most files in a folder are of, by their heads, else their marks, else their lines. */
export async function votedLogId(job: SegmentsJob): Promise<string | null> {
  const { folder, vfs } = job
  const heads: string[] = []
  const marks: string[] = []
  for (const name of await folder.segmentFiles()) {
    const head = (await folder.look(name))?.head ?? null
    if (head !== null) heads.push(head.logId)
  }
  for (const { result } of await marksIn(vfs, folder)) {
    if (result.state === 'ok') marks.push(result.mark.logId)
  }
  return mostOf(heads) ?? mostOf(marks) ?? mostOf(await recognised(job))
}

async function recognised({ folder, vfs }: SegmentsJob): Promise<string[]> {
  const out: string[] = []
  for (const name of await folder.segmentFiles()) {
    if (parseSegmentName(name) === null) continue
    await folder.look(name)
    if (folder.refusal(name) !== null) continue
    const file = await vfs.open(folder.path(name), 'read')
    try {
      const { size } = await file.stat()
      const found = await recognise(new FileWindow(file, size, LOOK_BYTES), false)
      if (found.what === 'checksummed') out.push(found.logId)
    } finally {
      await file.close()
    }
  }
  return out
}

function mostOf(ids: readonly string[]): string | null {
  const votes = new Map<string, number>()
  for (const id of ids) votes.set(id, (votes.get(id) ?? 0) + 1)
  return [...votes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null
}
