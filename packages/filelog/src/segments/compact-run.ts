import { join } from 'node:path'
import { isPapyraError, throwIfAborted, type LongOperation } from '@papyra/contracts'
import { requireFree, withIo } from '../rewrite/io.js'
import type { Keep } from '../rewrite/keep.js'
import type { Pacer } from '../scan/pacer.js'
import { type Taken, type RunLedger, withObsolete, withoutObsolete } from './compact-ledger.js'
import { rewriteSegment } from './compact-rewrite.js'
import type { DropVerdict, RewriteVerdict } from './compact-types.js'
import type { ManifestKeeper } from './manifest-file.js'
import type { Manifest, SealedSegment } from './manifest.js'
import { sameSegment, segmentName, segmentPath } from './names.js'
import { removeIfThere } from './new-segment.js'
import { readBack, type ReadBack } from './read-back.js'
import type { SegmentCore } from './segment-core.js'

/** A verdict on a segment that is sealed. */
export type Step =
  | { readonly entry: SealedSegment; readonly verdict: DropVerdict }
  | { readonly entry: SealedSegment; readonly verdict: RewriteVerdict }

export interface RunJob extends LongOperation {
  readonly core: SegmentCore
  readonly keeper: ManifestKeeper
  readonly pacer: Pacer | undefined
  readonly ledger: RunLedger
  /** Of all new files, and of the manifest once the first step is committed. */
  readonly generation: number
}

interface Rewrite {
  readonly entry: SealedSegment
  readonly keep: Keep
  readonly dropped: Taken['dropped']
}

interface Drop {
  readonly entry: SealedSegment
  readonly dropped: Taken['dropped']
}

/**
 * Carries verdicts out, one durable step after the other: each rewritten segment is one, all that go
 * as a whole are one. A file that is no longer needed is removed only after the manifest that does
 * without it is durable; meanwhile the one that took its place is read back. Gives the rewritten segments.
 */
export class CompactionRun {
  readonly #job: RunJob
  readonly #rewritten: ReadBack[] = []
  readonly #rewrites: Rewrite[] = []
  readonly #drops: Drop[] = []
  readonly #totalBytes: number
  #doneBytes: number = 0
  #records: number = 0

  constructor(job: RunJob, steps: readonly Step[]) {
    this.#job = job
    for (const { entry, verdict } of steps) {
      const { dropped = [] } = verdict
      if (verdict.action === 'rewrite') {
        this.#rewrites.push({ entry, keep: verdict.keep, dropped })
      } else if (verdict.lastSeq !== undefined && verdict.lastSeq < entry.lastSeq) {
        this.#rewrites.push({ entry, keep: keepAbove(verdict.lastSeq), dropped })
      } else this.#drops.push({ entry, dropped })
    }
    this.#totalBytes = this.#rewrites.reduce((sum, { entry }) => sum + entry.bytes, 0)
  }

  get rewritten(): readonly ReadBack[] {
    return this.#rewritten
  }

  async carryOut(): Promise<void> {
    throwIfAborted(this.#job.signal)
    if (this.#rewrites.length > 0) await this.#announce()
    // Room for a copy may come only from what goes as a whole.
    if (this.#drops.length > 0 && !(await this.#hasRoom())) await this.#drop()
    for (const rewrite of this.#rewrites) {
      throwIfAborted(this.#job.signal)
      await this.#rewrite(rewrite)
    }
    throwIfAborted(this.#job.signal)
    await this.#drop()
  }

  async #hasRoom(): Promise<boolean> {
    const { vfs, dir } = this.#job.core.settings
    const largest = Math.max(0, ...this.#rewrites.map(({ entry }) => entry.bytes))
    const free = largest === 0 ? null : await vfs.freeBytes(dir)
    return free === null || free >= largest
  }

  /** Says which files are about to be made: whoever finds them after an interruption removes them. */
  async #announce(): Promise<void> {
    const { generation } = this.#job
    const names = this.#rewrites.map(({ entry }) => segmentName({ ...entry, generation }))
    await this.#commit((now) => ({ ...now, obsolete: withObsolete(now, names) }))
  }

  async #rewrite({ entry, keep, dropped }: Rewrite): Promise<void> {
    const { core, keeper, generation, pacer, signal } = this.#job
    const { vfs, dir } = core.settings
    const path = segmentPath(dir, entry)
    await requireFree(vfs, path, entry.bytes)
    const base = { vfs, dir, manifest: keeper.current, entry, keep, generation, pacer }
    const done = await rewriteSegment({ ...base, ...this.#long(), ...(signal && { signal }) })
    this.#doneBytes += entry.bytes
    this.#records += entry.records
    if (done.goes === 'nothing') return
    if (done.goes === 'everything') {
      this.#drops.push({ entry, dropped })
      return
    }
    const next = done.entry
    const made = segmentPath(dir, next)
    await withIo('Syncing', dir, () => vfs.syncDir(dir))
    const taken = {
      records: entry.records - next.records,
      bytes: entry.bytes - next.bytes,
      dropped,
    }
    await this.#take(taken, (now) => ({
      ...now,
      segments: now.segments.map((one) => (sameSegment(one, entry) ? next : one)),
      obsolete: withoutObsolete({ ...now, obsolete: withObsolete(now, [path]) }, made),
    }))
    const { logId } = keeper.current
    const written = readBack({ vfs, dir, logId, pacer, signal }, next)
    await this.#remove([path])
    this.#rewritten.push(await written)
  }

  async #drop(): Promise<void> {
    const drops = this.#drops.splice(0)
    if (drops.length === 0) return
    const { dir } = this.#job.core.settings
    const paths = drops.map(({ entry }) => segmentPath(dir, entry))
    const gone = (one: SealedSegment): boolean => drops.some(({ entry }) => sameSegment(entry, one))
    const taken = {
      records: drops.reduce((sum, { entry }) => sum + entry.records, 0),
      bytes: drops.reduce((sum, { entry }) => sum + entry.bytes, 0),
      dropped: drops.flatMap(({ dropped }) => dropped),
    }
    await this.#take(taken, (now) => ({
      ...now,
      segments: now.segments.filter((one) => !gone(one)),
      obsolete: withObsolete(now, paths),
    }))
    await this.#remove(paths)
  }

  async #take(taken: Taken, change: (now: Manifest) => Manifest): Promise<void> {
    const { ledger, generation } = this.#job
    await this.#commit((now) => ledger.record(change(now), taken, generation))
    ledger.commit(taken)
  }

  /** What cannot be removed now stays in `obsolete`, for later. */
  async #remove(paths: readonly string[]): Promise<void> {
    const { vfs } = this.#job.core.settings
    for (const path of paths) await removeIfThere(vfs, path).catch(() => false)
  }

  async #commit(change: (now: Manifest) => Manifest): Promise<void> {
    await commitOrLatch(this.#job.core, this.#job.keeper, change)
  }

  #long(): LongOperation {
    const { onProgress } = this.#job
    if (onProgress === undefined) return {}
    const [bytes, records] = [this.#doneBytes, this.#records]
    return {
      onProgress: (progress) => {
        onProgress({
          phase: 'compact',
          doneBytes: bytes + progress.doneBytes,
          totalBytes: this.#totalBytes,
          records: records + progress.records,
        })
      },
    }
  }
}

/**
 * Commits. Rejects with `io_error`, and then nothing has changed; where nobody can tell which of two
 * manifests a power cut would leave, with `writer_latched`, and the writer of a store that takes
 * appends stops.
 */
export async function commitOrLatch(
  core: SegmentCore,
  keeper: ManifestKeeper,
  change: (now: Manifest) => Manifest,
): Promise<void> {
  try {
    await keeper.commit(change)
  } catch (error) {
    if (isPapyraError(error, 'writer_latched')) core.live?.queue.latch(error, 'Compaction')
    throw error
  }
}

/**
 * Removes the files that are no longer the store's, makes that durable, and only then takes them off
 * the list: a file that came back with a power cut would be one too many.
 */
export async function settleRun(
  { core, keeper, ledger }: RunJob,
  detail: string,
  dropped: Taken['dropped'] | null,
): Promise<void> {
  const { vfs, dir } = core.settings
  const { obsolete, segments, active } = keeper.current
  const named = new Set([...segments, active].map((id) => segmentName(id)))
  const left: string[] = []
  for (const name of obsolete) {
    if (named.has(name)) continue
    await removeIfThere(vfs, join(dir, name)).catch(() => left.push(name))
  }
  await withIo('Syncing', dir, () => vfs.syncDir(dir))
  const settled = new Set(obsolete.filter((name) => !left.includes(name)))
  await commitOrLatch(core, keeper, (now) => ({
    ...now,
    obsolete: now.obsolete.filter((name) => !settled.has(name)),
    history: ledger.close(now, detail, dropped),
  }))
}

/** What was appended after a segment was judged stays. */
function keepAbove(lastSeq: number): Keep {
  const keep: Keep = ({ seq }) => seq > lastSeq
  return Object.assign(keep, { noneThrough: lastSeq, allAbove: lastSeq })
}
