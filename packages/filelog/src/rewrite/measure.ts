import type { RecordMeta } from '@papyra/contracts'
import { seedOf } from '../checksum.js'
import { trackFromHead } from '../write/block-tracker.js'
import { withIo } from './io.js'
import { readHead } from './read-head.js'
import { headWidth } from './rewriter.js'
import type { StoreCore } from './store-core.js'
import { readRecordMetas } from './store-read.js'

/**
 * How many bytes the log would have if a compaction kept only these records, its head and its block
 * marks counted: exact as long as nothing is appended. `through` is the log's last number.
 */
export async function measureKept(
  core: StoreCore,
  keep: (meta: RecordMeta) => boolean,
  options: { readonly through: number; readonly signal?: AbortSignal },
): Promise<number> {
  const { vfs, log } = core.settings
  const { through, signal } = options
  const file = await withIo('Opening', log, () => vfs.open(log, 'read'))
  const found = await readHead(file).finally(() => file.close())
  const metas = readRecordMetas(core, { order: 'oldest', ...(signal && { signal }) })
  if (found === null) {
    let bytes = 0
    for await (const meta of metas) if (keep(meta)) bytes += meta.bytes
    return bytes
  }
  const plan = { ...found.head, generation: found.head.generation + 1 }
  const tracker = trackFromHead(plan, headWidth(plan), seedOf(plan.logId))
  let answered = plan.firstSeq - 1
  for await (const meta of metas) {
    if (!keep(meta)) continue
    tracker.record(meta.seq, meta.bytes)
    if (!tracker.due()) continue
    answered = meta.seq
    tracker.closeBlock()
  }
  if (through > answered) tracker.closeBlock(through)
  return tracker.end
}
