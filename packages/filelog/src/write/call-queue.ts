import type { AppendResult, PapyraError } from '@papyra/contracts'
import type { Chunk } from './batch-encoder.js'

/** A call of `append` that waits. */
export interface Waiting extends Chunk {
  readonly resolve: (result: AppendResult) => void
  readonly reject: (error: PapyraError) => void
}

/** Stands in the queue where a sync was asked for: everything before it is covered. */
export interface SyncPoint {
  readonly facts: null
  readonly resolve: () => void
  readonly reject: (error: PapyraError) => void
}

export type Item = Waiting | SyncPoint

/** The calls that wait, in call order. */
export class CallQueue {
  #items: Item[] = []
  #head: number = 0

  /** The one that waits longest. */
  get first(): Item | undefined {
    return this.#items[this.#head]
  }

  push(item: Item): void {
    this.#items.push(item)
  }

  /** The next calls that go into one write of `most` bytes; at least one. They stay here. */
  gather(most: number): Waiting[] {
    const batch: Waiting[] = []
    let bytes = 0
    for (let i = this.#head; i < this.#items.length; i++) {
      const item = this.#items[i] as Item
      if (item.facts === null) break
      bytes += item.bytes
      if (batch.length > 0 && bytes > most) break
      batch.push(item)
    }
    return batch
  }

  /** Takes the first so many out. */
  take(count: number): void {
    this.#head += count
    if (this.#head < this.#items.length && this.#head < 4096) return
    this.#items = this.#items.slice(this.#head)
    this.#head = 0
  }

  /** Takes all out. */
  takeAll(): Item[] {
    const items = this.#items.slice(this.#head)
    this.#items = []
    this.#head = 0
    return items
  }
}
