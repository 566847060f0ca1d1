import type {
  AuditInput,
  AuditRecord,
  Backend,
  CompactionReport,
  CompactOptions,
  MetricsReadAt,
  MetricsReader,
  MetricsSnapshot,
  RetentionPolicy,
  ScanOptions,
  ScanReport,
  StoreDescription,
} from '@papyra/contracts'
import { isUnbounded } from '@papyra/retention'
import { AccountBook, type AccountsKept } from './account-book.js'
import { totalOf, type Accounts, type FactCounts } from './accounts.js'
import { withoutPolicy } from './compactor.js'
import type { AnyRecord } from './decode.js'
import { encodeAudit, encodeDeadLetter, encodeEvent, type FactSource } from './encode.js'
import type {
  DeadLetterRecords,
  DeadLettersOf,
  EventRecords,
  EventsOf,
  FactRecords,
  FactTypes,
  NamesOf,
  TypedDeadLetter,
  TypedEvent,
} from './facts.js'
import type { GateReport } from './gate-types.js'
import { IntakeQueue, type Intake } from './intake.js'
import { Lifecycle, type LifecycleState } from './lifecycle.js'
import { loggedCompaction, loggedScan, telling } from './logged-acts.js'
import { LoggedDrops } from './logged-drops.js'
import { say } from './logger.js'
import { viewOf, type OpenStoreOptions } from './open-store-options.js'
import type { CompactNowOptions, Papyra, Recorded } from './papyra.js'
import { Reader, type DeadLetterQuery, type EventQuery, type ListQuery } from './reader.js'
import { Recorder } from './recorder.js'
import type { Schedule } from './scheduler.js'
import { schemaVerdict } from './schemas.js'
import type { WriteFailure } from './write-watch.js'

/** `Papyra` over a backend that has begun. */
export class OpenStore<Facts extends FactTypes> implements Papyra<Facts> {
  readonly systemId: string
  readonly logId: string
  readonly retention: RetentionPolicy | null
  readonly startupReport: GateReport
  readonly #backend: Backend
  readonly #options: OpenStoreOptions
  readonly #lifecycle = new Lifecycle()
  readonly #source: FactSource
  readonly #intake: IntakeQueue
  readonly #reader: Reader
  readonly #schedules: Schedule[] = []
  readonly #recorder: Recorder
  readonly #book: AccountBook
  readonly #drops: LoggedDrops

  constructor(backend: Backend, options: OpenStoreOptions) {
    this.systemId = options.systemId
    this.logId = options.logId
    this.retention = options.retention
    this.startupReport = options.report
    this.#backend = backend
    this.#options = options
    this.#source = { systemId: options.systemId, now: () => options.clock.now() }
    const { clock, schemas, logger } = options
    const lifecycle = this.#lifecycle
    this.#recorder = new Recorder(backend, {
      source: this.#source,
      clock,
      schemas,
      lifecycle,
      logger,
    })
    this.#drops = new LoggedDrops(logger, clock)
    const { onDrop, onSchemaMismatch } = options.hooks
    this.#intake = new IntakeQueue({
      ...options.intake,
      source: this.#source,
      append: (facts) => this.#recorder.append(facts),
      refusal: (fact) => schemaVerdict(options.schemas, fact),
      beforeDrop: (records) => this.#book.willDrop(records),
      onDrop: (drop) => {
        this.#drops.add(drop)
        onDrop?.(drop)
      },
    })
    this.#reader = new Reader(backend, {
      view: () => viewOf(options),
      ...(options.schemas === undefined ? {} : { schemas: options.schemas }),
      ...(onSchemaMismatch === undefined ? {} : { onSchemaMismatch }),
    })
    this.#book = new AccountBook({
      port: backend.accounts,
      clock: options.clock,
      logId: options.logId,
      capacity: this.#intake.capacity,
      recordsWritten: options.recordsWritten,
      counts: () => this.#counts(),
    })
    this.#lifecycle.opened()
  }

  /** Takes up what the owners before have counted. To be awaited before anything else. */
  async takeUp(): Promise<this> {
    const killed = await this.#book.open()
    if (killed !== null) say(this.#options.logger, 'papyra.owner.killed', killed)
    return this
  }

  get state(): LifecycleState {
    return this.#lifecycle.state
  }

  get intake(): Intake {
    return this.#intake
  }

  get writeFailure(): WriteFailure | null {
    return this.#recorder.failure
  }

  get accounts(): Accounts {
    return this.#book.accounts
  }

  get metricsReadAt(): MetricsReadAt {
    return this.#book.metricsReadAt
  }

  noteMetricsRead(reader: MetricsReader): void {
    this.#book.noteRead(reader)
  }

  get accountsKept(): AccountsKept {
    return this.#book.kept
  }

  recordEvent<Type extends NamesOf<EventsOf<Facts>>>(
    event: TypedEvent<EventsOf<Facts>, Type>,
  ): Promise<Recorded> {
    return this.#recorder.record(encodeEvent, event)
  }

  recordAudit(audit: AuditInput): Promise<Recorded> {
    return this.#recorder.record(encodeAudit, audit)
  }

  recordDeadLetter<Type extends NamesOf<DeadLettersOf<Facts>>>(
    letter: TypedDeadLetter<DeadLettersOf<Facts>, Type>,
  ): Promise<Recorded> {
    return this.#recorder.record(encodeDeadLetter, letter)
  }

  listEvents<Type extends NamesOf<EventsOf<Facts>> = NamesOf<EventsOf<Facts>>>(
    query?: EventQuery<EventRecords<EventsOf<Facts>, Type>, Type>,
  ): AsyncIterable<EventRecords<EventsOf<Facts>, Type>> {
    return this.#open(this.#reader.listEvents(query as EventQuery)) as AsyncIterable<
      EventRecords<EventsOf<Facts>, Type>
    >
  }

  listAudits(query?: ListQuery<AuditRecord>): AsyncIterable<AuditRecord> {
    return this.#open(this.#reader.listAudits(query))
  }

  listDeadLetters<Type extends NamesOf<DeadLettersOf<Facts>> = NamesOf<DeadLettersOf<Facts>>>(
    query?: DeadLetterQuery<DeadLetterRecords<DeadLettersOf<Facts>, Type>, Type>,
  ): AsyncIterable<DeadLetterRecords<DeadLettersOf<Facts>, Type>> {
    return this.#open(this.#reader.listDeadLetters(query as DeadLetterQuery)) as AsyncIterable<
      DeadLetterRecords<DeadLettersOf<Facts>, Type>
    >
  }

  list(query?: ListQuery<FactRecords<Facts>>): AsyncIterable<FactRecords<Facts>> {
    return this.#open(this.#reader.list(query as ListQuery<AnyRecord>)) as AsyncIterable<
      FactRecords<Facts>
    >
  }

  async compact(options: CompactNowOptions = {}): Promise<CompactionReport> {
    return this.#lifecycle.run(async () => {
      const signal = this.#untilClosing(options.signal)
      // A plan holds its policy.
      const compact = (asked: CompactOptions): Promise<CompactionReport> =>
        loggedCompaction(this.#options.logger, this.#backend, asked)
      if (options.plan !== undefined) return compact({ ...options, signal })
      const policy = options.policy ?? this.retention
      if (policy === null || isUnbounded(policy)) throw withoutPolicy()
      return compact({ ...options, policy, signal })
    })
  }

  scan(options: ScanOptions = {}): Promise<ScanReport> {
    return this.#lifecycle.run(() =>
      loggedScan(this.#options.logger, this.#backend, {
        ...options,
        signal: this.#untilClosing(options.signal),
      }),
    )
  }

  describe(): Promise<StoreDescription> {
    return this.#lifecycle.run(() => this.#backend.describe())
  }

  async metrics(): Promise<MetricsSnapshot> {
    return (await this.describe()).metrics
  }

  flush(): Promise<void> {
    return this.#lifecycle.run(async () => {
      await this.#intake.flush()
      await this.#backend.flush()
    })
  }

  close(): Promise<void> {
    const drained = this.#intake.close()
    const stopped = Promise.all(this.#schedules.map((schedule) => schedule.stop()))
    return this.#lifecycle.close(async () => {
      await drained
      await stopped
      await this.#recorder.settled()
      this.#drops.end()
      const { logger } = this.#options
      await telling(logger, 'papyra.store.close_failed', () => this.#letGo())
      const { offered, written, dropped } = this.#counts()
      const facts = { factsOffered: offered, factsWritten: written }
      say(logger, 'papyra.store.closed', { ...facts, factsDropped: totalOf(dropped) })
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Has a schedule end with the store. */
  keep(schedule: Schedule): void {
    this.#schedules.push(schedule)
  }

  async #letGo(): Promise<void> {
    try {
      await this.#book.close()
    } finally {
      await this.#backend.close()
    }
  }

  #counts(): FactCounts {
    const { written, waiting, dropped } = this.#intake.stats()
    const stored = written + this.#recorder.recorded
    return { offered: stored + waiting + totalOf(dropped), written: stored, waiting, dropped }
  }

  async *#open<Item>(list: AsyncIterable<Item>): AsyncGenerator<Item> {
    this.#lifecycle.check()
    for await (const item of list) {
      yield item
      this.#lifecycle.check()
    }
  }

  #untilClosing(signal: AbortSignal | undefined): AbortSignal {
    const { closing } = this.#lifecycle
    return signal === undefined ? closing : AbortSignal.any([signal, closing])
  }
}
