import { randomBytes } from 'node:crypto'
import {
  PapyraError,
  type AppendFact,
  type AppendResult,
  type Backend,
  type BeginOptions,
  type BeginReport,
  type Capabilities,
  type CompactionReport,
  type CompactOptions,
  type Finding,
  type GroupsPort,
  type MetricsSnapshot,
  type ReadQuery,
  type RecordMeta,
  type RecoverOptions,
  type RecoveryReport,
  type ScanOptions,
  type ScanReport,
  type StoreDescription,
  type StoredRecord,
} from '@papyra/contracts'
import { validatePolicy } from '@papyra/retention'
import { Acknowledger } from './ack.js'
import { CAPABILITIES } from './capabilities.js'
import { compact } from './compact.js'
import type { Connection } from './connection.js'
import { ErrorCounts, anomalyWords } from './counting.js'
import { Delivery } from './delivery.js'
import { describe } from './describe.js'
import { diagnose } from './diagnose.js'
import { StoreGroups } from './groups/port.js'
import { glance } from './health.js'
import { longerHistory, metricsOf } from './meta.js'
import { explainMismatch } from './mismatch.js'
import type { Settings } from './options.js'
import { RecordReader } from './read.js'
import { recover } from './recover.js'
import { NAME, scanStore } from './scan.js'
import type { Store } from './store.js'
import { Writer } from './writer.js'

type Scratch = NonNullable<Backend['scratch']>

/** How a store was opened. */
export interface Opening {
  readonly access: 'read' | 'write'
  readonly settings: Settings
  /** A connection for appends alone: what they wait for keeps nobody else waiting. */
  readonly appends: Connection
  /** Makes a copy on a server of its own. */
  readonly scratch: (source: Backend, options: Parameters<Scratch>[0]) => ReturnType<Scratch>
}

/** A store on a Redis server, open. */
export class RedisBackend implements Backend {
  readonly name: string = NAME
  readonly capabilities: Capabilities = CAPABILITIES
  readonly groups: GroupsPort
  readonly scratch: Scratch
  readonly #store: Store
  readonly #opening: Opening
  readonly #opened: { readonly wall: number; readonly monotonic: number }
  #writer: Writer | null = null
  #begun: Promise<BeginReport> | null = null
  #closing: Promise<void> | null = null
  #turn: Promise<unknown> = Promise.resolve()
  /** Appends that failed and are not counted yet. */
  #failures = new ErrorCounts()

  constructor(store: Store, opening: Opening) {
    this.#store = store
    this.#opening = opening
    this.scratch = (options) => opening.scratch(this, options)
    this.groups = new StoreGroups(store, {
      access: opening.access,
      patienceMs: opening.settings.appendTimeoutMs,
      checkOpen: () => this.#checkOpen(),
    })
    this.#opened = { wall: store.clock.now(), monotonic: store.clock.monotonic() }
  }

  async begin(options: BeginOptions = {}): Promise<BeginReport> {
    this.#checkWriter()
    if (this.#writer === null) {
      this.#begun ??= this.#begin(options).finally(() => (this.#begun = null))
      return this.#begun
    }
    return { nextSeq: (await this.#store.meta()).seq + 1, keptAside: [] }
  }

  append(facts: readonly AppendFact[]): Promise<AppendResult> {
    try {
      this.#checkWriter()
      if (this.#writer === null)
        throw new PapyraError('not_begun', 'The store takes no appends before `begin`.')
      return this.#writer.append(facts)
    } catch (error) {
      return Promise.reject(error as PapyraError)
    }
  }

  read(query: ReadQuery = {}): AsyncIterable<StoredRecord> {
    return new RecordReader(this.#store, { ...query }, () => this.#checkOpen())
  }

  async *readMeta(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<RecordMeta> {
    for await (const record of this.read({ order: 'newest', ...options })) {
      const { seq, kind, timestamp, bytes } = record
      yield { seq, kind, timestamp, bytes }
    }
  }

  async describe(): Promise<StoreDescription> {
    this.#checkOpen()
    await this.#countFailures()
    return describe(this.#store)
  }

  scan(options: ScanOptions = {}): Promise<ScanReport> {
    return this.#inTurn(async () => {
      const owner = this.#opening.access === 'write'
      try {
        const { report } = await scanStore(this.#store, options, this.#settings)
        if (owner) await this.#countScan(report)
        return report
      } catch (error) {
        if (owner) await this.#count(['add', 'm:scanErrors', 1]).catch(() => undefined)
        throw error
      }
    })
  }

  async recover(options: RecoverOptions): Promise<RecoveryReport> {
    this.#checkWriter()
    if (this.#writer !== null) {
      throw new PapyraError('unsupported', 'A store that has begun cannot be recovered.', {
        hint: 'Close it and recover before the start.',
      })
    }
    return this.#inTurn(async () => {
      try {
        return await recover(this.#store, options, this.#settings)
      } catch (error) {
        await this.#count(['add', 'm:recoveryErrors', 1]).catch(() => undefined)
        throw error
      }
    })
  }

  async compact(options: CompactOptions): Promise<CompactionReport> {
    this.#checkWriter()
    // A close waits for it, so that it is not stopped half-way.
    const checkOpen = (): void => undefined
    const settings = { ...this.#settings, opened: this.#opened, checkOpen }
    return this.#inTurn(() => compact(this.#store, options, settings))
  }

  async resetMetrics(): Promise<MetricsSnapshot> {
    this.#checkWriter()
    await this.#countFailures()
    return this.#inTurn(async () => {
      const meta = await this.#store.meta()
      const at = this.#store.clock.now()
      const history = longerHistory(meta, {
        ...{ what: 'reset', at, generation: meta.generation },
        ...{ recordsRemoved: 0, bytesRemoved: 0, detail: 'metrics baseline' },
      })
      const baseline = JSON.stringify(metricsOf(meta).totals)
      const words = ['set', 'baseline', baseline, 'set', 'reset_at', at, 'set', 'history', history]
      await this.#store.maintain(meta, [], words)
      return metricsOf(await this.#store.meta())
    })
  }

  async flush(): Promise<void> {
    this.#checkOpen()
    await this.#writer?.flush()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async *diagnose(): AsyncGenerator<Finding> {
    this.#checkOpen()
    yield* diagnose(this.#store)
  }

  get #settings(): { readonly trimsAllowed: boolean } {
    return { trimsAllowed: this.#opening.settings.trimsAllowed }
  }

  async #begin({ retention }: BeginOptions): Promise<BeginReport> {
    const store = this.#store
    const policy = retention == null ? retention : validatePolicy(retention)
    const { trimsAllowed } = this.#settings
    const look = await store.look()
    const { damaged } = await glance(store, look, trimsAllowed)
    if (damaged.length > 0 || look.meta.suspect !== null || look.meta.rebuilt) {
      const where = damaged.map((kind) => store.keys.stream(kind)).join(', ')
      const text = `Appending to ${store.location} would not be safe: ${where || 'records are gone'}.`
      throw new PapyraError('anomalies_found', text, { details: { location: store.location } })
    }
    if (policy !== undefined) {
      await this.#count(['set', 'retention', JSON.stringify(policy)])
    }
    this.#checkOpen()
    this.#writer = this.#makeWriter(look.meta.epoch)
    return { nextSeq: look.meta.seq + 1, keptAside: [] }
  }

  #makeWriter(epoch: number): Writer {
    const { settings, appends } = this.#opening
    const { keys, logId, seed } = this.#store
    const { ack, confirmTimeoutMs, commandTimeoutMs, appendTimeoutMs } = settings
    const delivery = new Delivery({
      ...{ connection: appends, keys, logId, seed, epoch },
      writer: randomBytes(8).toString('hex'),
      acknowledger: new Acknowledger(appends, ack, confirmTimeoutMs),
      reserveMs: Math.min(commandTimeoutMs, appendTimeoutMs / 3),
      onMismatch: (seen) => explainMismatch(this.#store, seen, settings.trimsAllowed),
    })
    return new Writer(delivery, { ...settings, onFailure: (code) => this.#failures.add(code) })
  }

  async #close(): Promise<void> {
    await this.#begun?.catch(() => undefined)
    await this.#writer?.drain()
    await this.#turn
    await this.#countFailures().catch(() => undefined)
    this.#opening.appends.close()
    this.#store.connection.close()
  }

  /** One after the other: each works on the store as the one before left it. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    try {
      this.#checkOpen()
    } catch (error) {
      return Promise.reject(error as PapyraError)
    }
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }

  async #countScan(report: ScanReport): Promise<void> {
    const verified = report.clean ? ['set', 'verified_at', this.#store.clock.now()] : []
    await this.#count(['add', 'm:scans', 1, ...anomalyWords(report), ...verified])
  }

  async #countFailures(): Promise<void> {
    const failures = this.#failures
    if (failures.total === 0) return
    this.#failures = new ErrorCounts()
    await this.#count(failures.words('m:writeErrors')).catch((error: unknown) => {
      this.#failures.addAll(failures)
      throw error
    })
  }

  async #count(words: readonly (string | number)[]): Promise<void> {
    await this.#store.maintain(null, [], words)
  }

  #checkOpen(): void {
    if (this.#closing !== null) throw new PapyraError('closed', 'The store is closed.')
  }

  #checkWriter(): void {
    this.#checkOpen()
    if (this.#opening.access === 'write') return
    throw new PapyraError('read_only', 'The store was opened for reading.')
  }
}
