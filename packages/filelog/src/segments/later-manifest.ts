import type { Vfs } from '../vfs.js'
import { readManifestFile } from './manifest-file.js'
import type { Manifest, SealedSegment } from './manifest.js'
import { sameSegment, segmentName, type SegmentId } from './names.js'

/**
 * What a living owner has made of the manifest since a scan read it. Each question is answered by a
 * manifest that is not older than the question, where the answer could have become another one.
 */
export class LaterManifest {
  readonly #vfs: Vfs
  readonly #dir: string
  /** The latest that was seen. */
  #latest: Manifest

  constructor(vfs: Vfs, dir: string, scanned: Manifest) {
    this.#vfs = vfs
    this.#dir = dir
    this.#latest = scanned
  }

  /** True if a segment is no longer the store's: compaction has dropped or replaced it. */
  async isGone(id: SegmentId): Promise<boolean> {
    const there = ({ segments, active }: Manifest): boolean =>
      [...segments, active].some((one) => sameSegment(one, id))
    return (await this.#ask((now) => (there(now) ? null : true))) ?? false
  }

  /** What is said of a segment that was active and is sealed now; `null` if it is not. */
  sealed(id: SegmentId): Promise<SealedSegment | null> {
    return this.#ask(({ segments }) => segments.find((one) => sameSegment(one, id)) ?? null)
  }

  /** True if the store has come to know a file of this name: as a segment, or as one that may go. */
  async knows(name: string): Promise<boolean> {
    const named = ({ segments, active, obsolete }: Manifest): boolean =>
      obsolete.includes(name) || [...segments, active].some((one) => segmentName(one) === name)
    return (await this.#ask((now) => (named(now) ? true : null))) ?? false
  }

  async #ask<T>(question: (now: Manifest) => T | null): Promise<T | null> {
    return question(this.#latest) ?? question(await this.#refresh())
  }

  async #refresh(): Promise<Manifest> {
    const read = await readManifestFile(this.#vfs, this.#dir).catch(() => null)
    const { logId, edit } = this.#latest
    if (read?.state === 'ok' && read.manifest.logId === logId && read.manifest.edit > edit) {
      this.#latest = read.manifest
    }
    return this.#latest
  }
}
