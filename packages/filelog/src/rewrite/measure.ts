import type { RecordMeta } from '@papyra/contracts'
import { blockMetas } from '../scan/record-meta.js'
import { DamageReporter, type LogSource, metaOf } from '../scan/log-source.js'
import { readMetaBatches } from '../scan/read-metas.js'
import { slowedDown, type LongRead } from '../scan/read-options.js'
import { walkForward } from '../scan/walk-forward.js'
import { trackFromHead } from '../write/block-tracker.js'
import type { Keep } from './keep.js'
import { type ReadHead, readHead } from './read-head.js'
import { headWidth } from './rewritten.js'
import type { StoreCore } from './store-core.js'
import { openSource } from './store-read.js'

export interface MeasureOptions extends LongRead {
  readonly through: number
}

/**
 * How many bytes the log would have if a compaction kept only these records, its head and its block
 * marks counted: exact as long as nothing is appended. `through` is the log's last number.
 */
export async function measureKept(
  core: StoreCore,
  keep: Keep,
  options: MeasureOptions,
): Promise<number> {
  const opened = await openSource(core)
  try {
    const source = slowedDown(opened, options)
    const found = await readHead(source.file)
    const { seed } = source
    if (found !== null && seed !== null) {
      const generation = found.head.generation + 1
      const how = { ...options, generation }
      return (await measureChecksummed({ ...source, seed }, found, keep, how)).bytes
    }
    const { signal } = options
    let bytes = 0
    for await (const batch of readMetaBatches(source, {
      order: 'oldest',
      ...(signal && { signal }),
    }))
      for (const meta of batch) if (keep(meta)) bytes += meta.bytes
    return bytes
  } finally {
    await opened.file.close()
  }
}

/** What a rewrite of a log would be: its size, and how many records would stay. */
export interface Measured {
  readonly bytes: number
  readonly kept: number
  readonly dropped: number
}

/** The same for any log with a head; `generation` is the new one's. */
export async function measureChecksummed(
  source: LogSource & { readonly seed: number },
  { head, end }: ReadHead,
  keep: Keep,
  { through, signal, generation: next }: MeasureOptions & { readonly generation: number },
): Promise<Measured> {
  const { file, size, seed } = source
  const plan = { ...head, generation: next }
  const tracker = trackFromHead(plan, headWidth(plan), seed)
  const damage = new DamageReporter(file.path, undefined)
  let answered = plan.firstSeq - 1
  let last = 0
  let kept = 0
  let dropped = 0
  const take = (meta: RecordMeta, offset: number): void => {
    if (meta.seq <= last) damage.bad(offset, meta.bytes)
    last = meta.seq
    // What was appended since is not part of the plan.
    if (meta.seq > through) return
    if (!keep(meta)) {
      dropped++
      return
    }
    kept++
    tracker.record(meta.seq, meta.bytes)
    if (!tracker.due()) return
    answered = meta.seq
    tracker.closeBlock()
  }
  const { blockBytes, generation } = head
  await walkForward(
    file,
    { from: end, to: size, seed, generation, blockBytes, signal },
    {
      block: async (block) => {
        const { offset, mark } = block
        const metas = blockMetas(block.bytes, block, mark)
        if (metas === null) damage.bad(offset, mark.bytes)
        else for (const meta of metas) take(meta, offset)
      },
      line: (judged, line) => {
        if (judged === 'bad') damage.bad(line.offset, line.length)
        else if (typeof judged === 'object') take(metaOf(judged, line), line.offset)
        return undefined
      },
    },
  )
  if (through > answered) tracker.closeBlock(through)
  return { bytes: tracker.end, kept, dropped }
}
