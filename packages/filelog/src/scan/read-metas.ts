import { throwIfAborted, type ReadQuery, type RecordMeta } from '@papyra/contracts'
import { BackwardBlocks } from './backward-blocks.js'
import { BackwardLines } from './backward-lines.js'
import type { Line } from './lines.js'
import { DamageReporter, judgeLine, metaOf, type LogSource } from './log-source.js'
import { metasBackward } from './read-backward.js'
import { metasForward } from './read-forward.js'
import { blockMetas } from './record-meta.js'

export interface MetasOptions {
  /** Retention reads the newest first. */
  readonly order: 'oldest' | 'newest'
  readonly signal?: AbortSignal
  readonly onDamage?: (damage: { path: string; offset: number; length: number }) => void
}

/** How many are gathered where no block gives them all at once. */
const BATCH_RECORDS = 1024

/**
 * Number, kind, time and size of every record, without its text; each line's checksum is verified,
 * by that of its block where a mark proves it. Damage goes to `onDamage`, or else throws
 * `anomalies_found`. Memory is that of a few blocks.
 */
export function readMetaBatches(
  source: LogSource,
  options: MetasOptions,
): AsyncIterable<readonly RecordMeta[]> {
  const { order, signal, onDamage } = options
  const query = { ...(signal && { signal }), ...(onDamage && { onDamage }) }
  if (order === 'oldest') return gathered(metasForward(source, query))
  const { seed } = source
  if (seed === null) return gathered(metasBackward(source, query))
  return new BackwardMetas({ ...source, seed }, query).batches()
}

/** The same, one by one. */
export async function* readMetas(
  source: LogSource,
  options: MetasOptions,
): AsyncGenerator<RecordMeta, void, undefined> {
  for await (const batch of readMetaBatches(source, options)) yield* batch
}

async function* gathered(
  metas: AsyncIterable<RecordMeta>,
): AsyncGenerator<readonly RecordMeta[], void, undefined> {
  let batch: RecordMeta[] = []
  for await (const meta of metas) {
    batch.push(meta)
    if (batch.length < BATCH_RECORDS) continue
    yield batch
    batch = []
  }
  yield batch
}

/** Newest first: by blocks where their marks prove them, else line by line. */
class BackwardMetas {
  readonly #source: LogSource & { readonly seed: number }
  readonly #signal: AbortSignal | undefined
  readonly #damage: DamageReporter
  readonly #start: number
  readonly #blocks: BackwardBlocks
  /** All numbers from here on were given out. */
  #before: number = Number.POSITIVE_INFINITY
  /** Where what was given out begins. */
  #pos: number

  constructor(
    source: LogSource & { readonly seed: number },
    { signal, onDamage }: Pick<ReadQuery, 'signal' | 'onDamage'>,
  ) {
    this.#source = source
    this.#signal = signal
    this.#damage = new DamageReporter(source.file.path, onDamage)
    this.#start = source.start ?? 0
    this.#pos = source.size
    this.#blocks = new BackwardBlocks(source.file, this.#start, source.seed)
  }

  async *batches(): AsyncGenerator<readonly RecordMeta[], void, undefined> {
    try {
      while (this.#pos > this.#start) {
        throwIfAborted(this.#signal)
        const metas = await this.#block()
        if (metas === null) yield* this.#lines()
        else if (metas.length > 0) yield metas
      }
      this.#damage.sound()
    } finally {
      await this.#blocks.settle()
    }
  }

  async #block(): Promise<readonly RecordMeta[] | null> {
    const block = await this.#blocks.endingAt(this.#pos)
    const metas = block === null ? null : blockMetas(block.bytes, block, block.mark)
    if (block === null || metas === null || !((metas.at(-1)?.seq ?? 0) < this.#before)) return null
    this.#damage.sound()
    this.#before = metas[0]?.seq ?? this.#before
    this.#pos = block.offset
    return metas.reverse()
  }

  /** Line by line, up to the mark of the block before. */
  async *#lines(): AsyncGenerator<readonly RecordMeta[], void, undefined> {
    const { file, seed } = this.#source
    const behind = this.#pos
    const range = { from: this.#start, to: behind, seed, signal: this.#signal }
    const lines = new BackwardLines(file, range)
    for (let some = await lines.next(); some.length > 0; some = await lines.next()) {
      const metas: RecordMeta[] = []
      let failure: unknown = null
      let atMark = false
      try {
        atMark = this.#gather(some, behind, metas)
      } catch (error) {
        failure = error
      }
      // What was gathered before the damage is given out first.
      if (metas.length > 0) yield metas
      if (failure !== null) throw failure as Error
      if (atMark) return
    }
    this.#pos = this.#start
  }

  /** Takes lines, newest first; true at one of the format's own, unless it is where we began. */
  #gather(lines: readonly Line[], behind: number, metas: RecordMeta[]): boolean {
    for (const line of lines) {
      const end = line.offset + line.length
      const judged = judgeLine(line, this.#source.seed)
      if (judged === 'own') {
        this.#damage.sound()
        if (end === behind) continue
        this.#pos = end
        return true
      }
      if (judged === 'blank') continue
      if (judged === 'bad' || judged.header.seq >= this.#before) {
        this.#damage.bad(line.offset, line.length)
        continue
      }
      this.#damage.sound()
      this.#before = judged.header.seq
      metas.push(metaOf(judged, line))
    }
    return false
  }
}
