import type { ActorCell } from './actor-cell.js'
import type { StopReason } from './reasons.js'

/** What ties an actor to others: its children, whom it watches, who watches it, who waits for it. */
export class Ties {
  readonly children: Set<ActorCell> = new Set()
  readonly #owner: ActorCell
  #watching: Set<ActorCell> | null = null
  #watchers: Set<ActorCell> | null = null
  #waiters: ((reason: StopReason) => void)[] | null = null
  #reason: StopReason | null = null

  constructor(owner: ActorCell) {
    this.#owner = owner
  }

  watch(target: ActorCell): void {
    this.#watching ??= new Set()
    if (target === this.#owner || this.#watching.has(target)) return
    this.#watching.add(target)
    target.addWatcher(this.#owner)
  }

  unwatch(target: ActorCell): void {
    if (this.forget(target)) target.removeWatcher(this.#owner)
  }

  /** True if it was watched. */
  forget(target: ActorCell): boolean {
    return this.#watching?.delete(target) ?? false
  }

  addWatcher(watcher: ActorCell): void {
    if (this.#reason !== null) {
      this.#tell(watcher, this.#reason)
      return
    }
    this.#watchers ??= new Set()
    this.#watchers.add(watcher)
  }

  removeWatcher(watcher: ActorCell): void {
    this.#watchers?.delete(watcher)
  }

  whenStopped(): Promise<StopReason> {
    if (this.#reason !== null) return Promise.resolve(this.#reason)
    return new Promise((resolve) => {
      this.#waiters ??= []
      this.#waiters.push(resolve)
    })
  }

  async stopChildren(reason: StopReason): Promise<void> {
    while (this.children.size > 0) {
      await Promise.all(Array.from(this.children, (child) => child.stop(reason)))
    }
  }

  /** The owner has ended: tells those who want to know. */
  end(reason: StopReason): void {
    this.#reason = reason
    for (const target of this.#watching ?? []) target.removeWatcher(this.#owner)
    for (const watcher of this.#watchers ?? []) this.#tell(watcher, reason)
    for (const waiter of this.#waiters ?? []) waiter(reason)
    this.#watching = null
    this.#watchers = null
    this.#waiters = null
  }

  #tell(watcher: ActorCell, reason: StopReason): void {
    const { ref, address } = this.#owner
    watcher.notify({ ref, address, reason }, this.#owner)
  }
}
