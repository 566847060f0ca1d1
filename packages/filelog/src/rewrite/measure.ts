import { throwIfAborted, type RecordMeta } from '@papyra/contracts'
import { type BlockMark, lastPresent } from '../format/block-mark.js'
import { seedOf } from '../format/checksum.js'
import { figuresOf } from '../format/figures.js'
import type { Head } from '../format/head.js'
import type { ProvenBlock } from '../scan/backward-blocks.js'
import { blockMetas } from '../scan/record-meta.js'
import { DamageReporter, type LogSource, metaOf } from '../scan/log-source.js'
import { readMetaBatches } from '../scan/read-metas.js'
import { slowedDown, type LongRead } from '../scan/read-options.js'
import { walkForward } from '../scan/walk-forward.js'
import { type BlockTracker, trackFromHead } from '../write/block-tracker.js'
import { fateOf, type Keep } from './keep.js'
import { BlockReader, type MarkedFile } from './marked-blocks.js'
import { comingBlocks } from './open-tail.js'
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
    const { signal, through } = options
    if (found !== null && seed !== null) {
      const { head, end: start } = found
      const generation = head.generation + 1
      const blocks = await comingBlocks({ ...source, seed, start, entry: head, signal })
      if (blocks === null) {
        const how = { ...options, generation }
        return (await measureChecksummed({ ...source, seed }, found, keep, how)).bytes
      }
      const meter = new RewriteMeter({ head, keep, through, generation, path: source.file.path })
      await measureBlocks(meter, { ...source, seed, signal }, blocks.marks)
      // The new log goes on in the same block.
      for (const meta of blocks.tail?.metas ?? []) meter.take(meta, blocks.tail?.mark.offset ?? 0)
      return meter.finish().bytes
    }
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

/** Only the blocks through which a limit cuts are read. */
export async function measureBlocks(
  meter: RewriteMeter,
  source: Pick<MarkedFile, 'file' | 'seed' | 'signal'>,
  marks: readonly BlockMark[],
): Promise<void> {
  const reader = new BlockReader(source)
  for (const mark of marks) {
    throwIfAborted(source.signal)
    const stays = meter.fate(mark)
    if (stays === false || (stays && mark.kinds !== null)) meter.whole(stays, mark)
    else if (mark.records > 0) {
      meter.block(await reader.read(mark))
      reader.release(mark)
    }
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
  const meter = new RewriteMeter({ head, keep, through, generation: next, path: file.path })
  const { blockBytes, generation } = head
  await walkForward(
    file,
    { from: end, to: size, seed, generation, blockBytes, signal },
    {
      block: async (block) => {
        meter.block(block)
      },
      line: (judged, line) => {
        if (judged === 'bad') meter.damage.bad(line.offset, line.length)
        else if (typeof judged === 'object') meter.take(metaOf(judged, line), line.offset)
        return undefined
      },
    },
  )
  return meter.finish()
}

interface Rewrite {
  readonly head: Head
  readonly keep: Keep
  readonly through: number
  /** Of the new log. */
  readonly generation: number
  readonly path: string
}

/** Does what a copy would do, without the bytes. */
export class RewriteMeter {
  readonly damage: DamageReporter
  readonly #rewrite: Rewrite
  readonly #tracker: BlockTracker
  /** Up to here a mark answers. */
  #answered: number
  #last = 0
  #kept = 0
  #dropped = 0

  constructor(rewrite: Rewrite) {
    const { head, generation, path } = rewrite
    const plan = { ...head, generation }
    this.#rewrite = rewrite
    this.damage = new DamageReporter(path, undefined)
    this.#tracker = trackFromHead(plan, headWidth(plan), seedOf(head.logId))
    this.#answered = head.firstSeq - 1
  }

  /** What becomes of a whole block; `null` if it has to be looked at line by line. */
  fate(mark: BlockMark): boolean | null {
    const { head, keep, through } = this.#rewrite
    const { firstSeq, records } = mark
    const lastSeq = lastPresent(mark)
    const gapless = lastSeq - firstSeq + 1 === records || lastSeq <= head.compactedThrough
    if (lastSeq > through || firstSeq <= this.#last || !gapless) return null
    return fateOf(keep, mark, { lastSeq, blockBytes: head.blockBytes })
  }

  block(block: ProvenBlock): void {
    const { mark, offset } = block
    const stays = this.fate(mark)
    if (stays === false) {
      this.whole(false, mark)
      return
    }
    const looked = stays === null || mark.kinds === null
    const metas = looked ? blockMetas(block.bytes, block, mark) : []
    if (metas === null) this.damage.bad(offset, mark.bytes)
    else if (stays === true && !looked) this.whole(true, mark)
    else this.known({ ...mark, offset, kinds: mark.kinds ?? figuresOf(metas) }, metas)
  }

  /** A block whose figures are known, and its records, oldest first. */
  known(mark: BlockMark, metas: readonly RecordMeta[]): void {
    const stays = this.fate(mark)
    if (stays !== null) this.whole(stays, mark)
    else for (const meta of metas) this.take(meta, mark.offset)
  }

  /** A block that stays or goes as a whole. */
  whole(stays: boolean, mark: BlockMark): void {
    const tracker = this.#tracker
    this.#last = lastPresent(mark)
    if (stays) {
      this.#kept += mark.records
      if (tracker.lastSeq > this.#answered) tracker.closeBlock()
      tracker.take(mark)
      tracker.closeBlock(mark.lastSeq)
      this.#answered = mark.lastSeq
    } else this.#dropped += mark.records
  }

  take({ seq, kind, timestamp, bytes }: RecordMeta, offset: number): void {
    const { keep, through } = this.#rewrite
    const tracker = this.#tracker
    if (seq <= this.#last) this.damage.bad(offset, bytes)
    this.#last = seq
    // What was appended since is not part of the plan.
    if (seq > through) return
    if (!keep({ seq, kind, timestamp, bytes })) {
      this.#dropped++
      return
    }
    this.#kept++
    tracker.record(seq, bytes, kind, timestamp)
    if (!tracker.due()) return
    tracker.closeBlock()
    this.#answered = seq
  }

  finish(): Measured {
    const { through } = this.#rewrite
    if (through > this.#answered) this.#tracker.closeBlock(through)
    return { bytes: this.#tracker.end, kept: this.#kept, dropped: this.#dropped }
  }
}
