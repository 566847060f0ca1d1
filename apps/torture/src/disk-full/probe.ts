import { join } from 'node:path'
import { isPapyraError, manualClock, type Backend, type ManualClock } from '@papyra/contracts'
import { numberIn, sizedFact } from '../facts.js'
import { definitionOf, type StoreKind } from '../kinds.js'
import type { Disk } from './disk.js'

/** One store on a disk that fills up, and what was promised of it. */
export class Probe {
  readonly kind: StoreKind
  readonly disk: Disk
  readonly path: string
  readonly clock: ManualClock = manualClock()
  readonly segmentBytes: number
  /** The facts that were acknowledged, by number. */
  readonly stored: Map<number, number> = new Map()
  /** Appends that were refused. */
  refused: number = 0
  /** What did not hold. */
  readonly wrong: string[] = []
  #store: Backend | null = null
  #n: number = 0

  constructor(kind: StoreKind, disk: Disk, options: { name: string; segmentBytes?: number }) {
    this.kind = kind
    this.disk = disk
    this.path = join(disk.dir, kind === 'json' ? `${options.name}.ndjson` : options.name)
    this.segmentBytes = options.segmentBytes ?? 65_536
  }

  get store(): Backend {
    if (this.#store === null) throw new Error('the store is not open')
    return this.#store
  }

  async open(): Promise<Backend> {
    const { disk, clock } = this
    const settings = { vfs: disk.vfs, clock, segmentBytes: this.segmentBytes }
    const definition = definitionOf(this.kind, this.path, settings)
    this.#store = await definition.open({ access: 'write', create: 'if-missing', waitLockMs: 0 })
    return this.#store
  }

  async close(): Promise<void> {
    const store = this.#store
    this.#store = null
    await store?.close()
  }

  /** Appends one fact; true if it was taken. `must` says that it has to be. */
  async append(size: number, must: boolean = false): Promise<boolean> {
    const n = ++this.#n
    this.clock.advance(100)
    try {
      const { firstSeq } = await this.store.append([sizedFact(n, size)])
      if (this.stored.has(firstSeq)) this.wrong.push(`the number ${firstSeq} was given twice`)
      this.stored.set(firstSeq, n)
      return true
    } catch (error) {
      this.refused++
      const code = isPapyraError(error) ? error.code : String(error)
      if (must) this.wrong.push(`an append with room enough was refused: ${String(error)}`)
      else if (code !== 'write_failed') this.wrong.push(`an append was refused with ${code}`)
      return false
    }
  }

  async appendMany(count: number, size: number, must: boolean = false): Promise<void> {
    for (let i = 0; i < count; i++) await this.append(size, must)
  }

  /** Runs something that a full disk may end; gives the code it ended with, or `null`. */
  async attempt(doing: string, work: () => Promise<unknown>): Promise<string | null> {
    try {
      await work()
      return null
    } catch (error) {
      const code = isPapyraError(error) ? error.code : String(error)
      if (code !== 'io_error') this.wrong.push(`${doing} ended with ${code}: ${String(error)}`)
      return code
    }
  }

  /** Everything promised, from the number `from` on, is read back as it was, and nothing else. */
  async holdsAll(from: number = 1, others: 'none' | 'some' = 'none'): Promise<void> {
    const seen = new Map<number, number>()
    for await (const { seq, json } of this.store.read()) seen.set(seq, numberIn(json))
    for (const [seq, n] of this.stored) {
      if (seq >= from && seen.get(seq) !== n) this.wrong.push(`${seq} is not the fact ${n}`)
    }
    if (others === 'none' && seen.size !== this.stored.size) {
      this.wrong.push(`there are ${seen.size} records, ${this.stored.size} were acknowledged`)
    }
  }

  async isClean(): Promise<void> {
    const scan = await this.store.scan({ coverage: 'full' })
    if (!scan.clean) this.wrong.push(`a scan found ${JSON.stringify(scan.anomalies)}`)
  }

  /** The totals say what happened: all that was handed in was stored or refused, and counted. */
  async counts(expected: Readonly<Record<string, number>>): Promise<void> {
    const { totals } = (await this.store.describe()).metrics
    for (const [key, value] of Object.entries(expected)) {
      const found = totals[key as keyof typeof totals]
      if (found !== value) this.wrong.push(`${key} is ${found} instead of ${value}`)
    }
  }
}
