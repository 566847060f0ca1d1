import { PapyraError } from '@papyra/contracts'
import { FORMAT } from '../format/head.js'
import type { Vfs } from '../vfs.js'
import { readSmallFile, writeFileAtomic } from '../write/atomic-write.js'
import { decodeManifest, encodeManifest, type Manifest, type ManifestResult } from './manifest.js'
import { manifestPath } from './names.js'

/** A manifest that is larger was not written by this code. */
const MAX_MANIFEST_BYTES = 256 * 1024 * 1024

/** Reads the manifest of a folder. `damaged` also if it is no regular file. Rejects with `unreadable`. */
export async function readManifestFile(vfs: Vfs, dir: string): Promise<ManifestResult> {
  const bytes = await readSmallFile(vfs, manifestPath(dir), MAX_MANIFEST_BYTES)
  if (bytes === null) return { state: 'missing' }
  return bytes === 'damaged' ? { state: 'damaged' } : decodeManifest(bytes, FORMAT)
}

/** Replaces the manifest, atomically; durable when it resolves. Rejects with `io_error`. */
export async function writeManifestFile(vfs: Vfs, dir: string, manifest: Manifest): Promise<void> {
  const path = manifestPath(dir)
  await writeFileAtomic(vfs, path, encodeManifest(manifest), await vfs.stat(path))
}

/**
 * The owner's manifest. Everything that changes it does so here, one after the other, so that a
 * rotation and a compaction never overwrite each other's word.
 */
export class ManifestKeeper {
  readonly #vfs: Vfs
  readonly #dir: string
  #current: Manifest
  #tail: Promise<unknown> = Promise.resolve()
  #lost: PapyraError | null = null

  constructor(vfs: Vfs, dir: string, current: Manifest) {
    this.#vfs = vfs
    this.#dir = dir
    this.#current = current
  }

  /** As it stands on the disk. */
  get current(): Manifest {
    return this.#current
  }

  /**
   * Writes what `change` makes of the manifest, which is the latest one when it is called; gives it
   * when it is durable. If it rejects with `io_error` nothing has changed, on the disk neither. If
   * it cannot be told which of the two a power cut would leave, it rejects with `writer_latched`,
   * and so does every later call: whatever relies on the manifest has to stop.
   */
  commit(change: (now: Manifest) => Manifest): Promise<Manifest> {
    const run = this.#tail.then(() => this.#commit(change))
    this.#tail = run.catch(() => undefined)
    return run
  }

  async #commit(change: (now: Manifest) => Manifest): Promise<Manifest> {
    if (this.#lost !== null) throw this.#lost
    const before = this.#current
    const next = { ...change(before), edit: before.edit + 1 }
    try {
      await writeManifestFile(this.#vfs, this.#dir, next)
    } catch (error) {
      await this.#requireOld(before, error)
      throw error
    }
    this.#current = next
    return next
  }

  /** After a failed write: the old manifest must still be there, and not have been renamed over. */
  async #requireOld(before: Manifest, cause: unknown): Promise<void> {
    const there = await readManifestFile(this.#vfs, this.#dir).catch(() => null)
    if (there?.state === 'ok' && there.manifest.edit === before.edit) return
    const path = manifestPath(this.#dir)
    this.#lost = new PapyraError(
      'writer_latched',
      `${path} was written, but not made durable, so the store stopped.`,
      { cause, details: { path } },
    )
    throw this.#lost
  }
}
