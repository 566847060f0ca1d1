import type { AppendFact, Backend, BeginOptions, OpenOptions } from '@papyra/contracts'
import type { CheckSettings } from './check-settings.js'
import { mixedFacts } from './facts.js'
import type { Subject } from './subject.js'

const DEFAULT_RUNS = 30

/** What a check works with: a subject, and everything that was opened on it. */
export class World {
  readonly subject: Subject
  readonly numRuns: number
  readonly seed: number
  readonly log: (message: string) => void
  readonly #create: () => Promise<Subject>
  readonly #settings: CheckSettings
  readonly #opened: Backend[] = []

  constructor(subject: Subject, create: () => Promise<Subject>, settings: CheckSettings) {
    this.subject = subject
    this.numRuns = settings.numRuns ?? DEFAULT_RUNS
    this.seed = settings.seed ?? Math.floor(Math.random() * 0x7fffffff)
    this.log = settings.log ?? (() => undefined)
    this.#create = create
    this.#settings = settings
  }

  /** Works with a world around another new subject, which goes when the work is done. */
  async within<T>(work: (other: World) => Promise<T>): Promise<T> {
    const other = new World(await this.#create(), this.#create, this.#settings)
    try {
      return await work(other)
    } finally {
      await other.dispose()
    }
  }

  /** Opens the subject's store with its clock and no waiting for locks. */
  async open(options: OpenOptions): Promise<Backend> {
    return this.track(
      await this.subject.definition.open({ clock: this.subject.clock, waitLockMs: 0, ...options }),
    )
  }

  /** Opens the store for writing, making it if need be. It is not begun. */
  openWriter(): Promise<Backend> {
    return this.open({ access: 'write', create: 'if-missing' })
  }

  /** Opens the store for reading. */
  openReader(): Promise<Backend> {
    return this.open({ access: 'read' })
  }

  /** Opens the store for writing and begins. */
  async begun(options?: BeginOptions): Promise<Backend> {
    const backend = await this.openWriter()
    await backend.begin(options)
    return backend
  }

  /** A begun store that holds `count` facts of all kinds, a second apart; the newest is of now. */
  async filled(count: number): Promise<{ backend: Backend; facts: readonly AppendFact[] }> {
    const backend = await this.begun()
    const facts = mixedFacts(count, this.subject.clock.now())
    // A backend that divides what it stores may do so between calls.
    for (let i = 0; i < count; i += 5) await backend.append(facts.slice(i, i + 5))
    return { backend, facts }
  }

  /** Closes, opens and begins again. */
  async reopen(backend: Backend): Promise<Backend> {
    await backend.close()
    return this.begun()
  }

  /** Has a backend closed when the world goes. */
  track(backend: Backend): Backend {
    this.#opened.push(backend)
    return backend
  }

  /** Closes all that was opened and disposes of the subject. */
  async dispose(): Promise<void> {
    await Promise.allSettled(this.#opened.map((backend) => backend.close()))
    await this.subject.dispose()
  }
}
