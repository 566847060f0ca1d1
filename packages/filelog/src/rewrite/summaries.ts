import type { RecordMeta } from '@papyra/contracts'
import type { LogSource } from '../scan/log-source.js'
import { readMetaBatches } from '../scan/read-metas.js'
import { slowedDown, type LongRead } from '../scan/read-options.js'
import { BlockViews, type BlockView } from './block-views.js'
import { comingBlocks } from './open-tail.js'
import { readHead } from './read-head.js'
import type { StoreCore } from './store-core.js'
import { openSource } from './store-read.js'

/** Records of a log, the greatest number first: as they are, or as a block that need not be read. */
export type LogPart = readonly RecordMeta[] | BlockView

/**
 * Opens the log for one plan, which may go over its parts several times while `work` is under way, and
 * always sees the same records. Blocks are told by their marks where these are chained from the head
 * on; else, and behind the last of them, all lines are read. Rejects with `anomalies_found` where what
 * is read is damaged.
 */
export async function withLogParts<T>(
  core: StoreCore,
  options: LongRead,
  work: (parts: () => AsyncIterable<LogPart>) => Promise<T>,
): Promise<T> {
  core.requireOpen()
  const opened = await openSource(core)
  try {
    return await work(await partsOf(slowedDown(opened, options), options.signal))
  } finally {
    await opened.file.close()
  }
}

async function partsOf(
  source: LogSource,
  signal: AbortSignal | undefined,
): Promise<() => AsyncIterable<LogPart>> {
  const { file, size, seed } = source
  const found = seed === null ? null : await readHead(file)
  const blocks =
    seed === null || found === null
      ? null
      : await comingBlocks({ file, size, seed, start: found.end, entry: found.head, signal })
  if (seed === null || blocks === null) {
    return () => readMetaBatches(source, { order: 'newest', ...(signal && { signal }) })
  }
  const { marks, tail } = blocks
  const views = new BlockViews((_signal, read) => read({ file, seed }))
  return async function* parts(): AsyncGenerator<LogPart, void, undefined> {
    if (tail !== null) yield [...tail.metas].reverse()
    yield* views.of(marks, signal)
  }
}
