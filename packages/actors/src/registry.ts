import { PapyraError } from '@papyra/contracts'
import { requireName } from './address.js'

/** Who is there: by id, and by name where there is one. A name belongs to one at a time. */
export class Registry<T extends { readonly id: string; readonly name: string | null }> {
  readonly #byId = new Map<string, T>()
  readonly #byName = new Map<string, T>()

  get size(): number {
    return this.#byId.size
  }

  get names(): ReadonlyMap<string, T> {
    return this.#byName
  }

  all(): IterableIterator<T> {
    return this.#byId.values()
  }

  /** By id or name. */
  find(path: string): T | undefined {
    return path.startsWith('$') ? this.#byId.get(path) : this.#byName.get(path)
  }

  /** Throws `invalid_argument` if the name cannot be used or is taken. */
  checkName(name: string): void {
    requireName(name)
    if (!this.#byName.has(name)) return
    throw new PapyraError('invalid_argument', `An actor named \`${name}\` exists.`, {
      hint: 'Stop it first and wait for it, or choose another name.',
      details: { name },
    })
  }

  add(entry: T): void {
    this.#byId.set(entry.id, entry)
    if (entry.name !== null) this.#byName.set(entry.name, entry)
  }

  remove(entry: T): void {
    this.#byId.delete(entry.id)
    this.release(entry)
  }

  /** Has the entry known by this name; `release` its old one first. */
  claim(name: string, entry: T): void {
    this.#byName.set(name, entry)
  }

  release(entry: T): void {
    if (entry.name !== null && this.#byName.get(entry.name) === entry) {
      this.#byName.delete(entry.name)
    }
  }
}
