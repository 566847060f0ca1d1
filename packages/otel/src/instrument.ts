import { metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api'
import {
  PapyraError,
  SingleFlight,
  systemClock,
  type Clock,
  type CompactionReport,
  type MeasuredGroup,
  type MeasuredOwner,
  type MeasuredStore,
  type ScanReport,
} from '@papyra/contracts'
import { durationHistogram, type Durations } from './durations.js'
import { observeStore } from './observe.js'
import { traceStartup, traced, type Startup } from './traces.js'

/** What is used of an open store, as `openPapyra` of @papyra/core gives it. */
export interface InstrumentedStore extends MeasuredOwner {
  readonly systemId: string
  readonly startupReport: Startup
  noteMetricsRead(reader: 'export'): void
  describe(): Promise<MeasuredStore>
  scan(...options: never[]): Promise<ScanReport>
  compact(...options: never[]): Promise<CompactionReport>
}

export interface InstrumentOptions {
  /** Default: the one that is registered globally; it must be by now, as nothing stands in for it. */
  readonly meterProvider?: MeterProvider
  /** Default: the one that is registered globally. */
  readonly tracerProvider?: TracerProvider
  /** The attribute `papyra.store.name`, which tells stores apart. Default: the store's system id. */
  readonly storeName?: string
  /**
   * The consumer groups to tell the numbers of, such as `groups` of a Redis store that is open for
   * reading. Default: none.
   */
  readonly groups?: { list(): Promise<readonly MeasuredGroup[]> }
  /** Also a histogram of how long scans, compactions and the start took. Default false. */
  readonly histograms?: boolean
  /** How long the store's own numbers are told again, in ms. Default 1000. */
  readonly cacheMs?: number
  /** How long a collection waits for them before it tells the last ones, in ms. Default 500. */
  readonly patienceMs?: number
  readonly clock?: Clock
}

export interface Instrumentation<Store> {
  /** The same store; its `scan` and `compact` make spans. */
  readonly papyra: Store
  /** Observes and traces no more, and frees the name. Idempotent. */
  unregister(): void
}

export const SCOPE = '@papyra/otel'

/** Names in use, by provider: of two stores with one name the last would silently win. */
const named = new WeakMap<MeterProvider, Set<string>>()

/**
 * Observes an open store: its numbers as observable instruments, its start, scans and compactions as
 * spans. Appends cost nothing more. Call it after the SDK is registered. Throws `invalid_argument` for a
 * name that the provider has a store of already.
 *
 * @example
 * const { papyra, unregister } = instrumentPapyra(await openPapyra({ systemId, backend }))
 */
export function instrumentPapyra<Store extends InstrumentedStore>(
  store: Store,
  options: InstrumentOptions = {},
): Instrumentation<Store> {
  const {
    meterProvider = metrics.getMeterProvider(),
    tracerProvider = trace.getTracerProvider(),
    storeName = store.systemId,
    clock = systemClock,
  } = options
  const cacheMs = positive('cacheMs', options.cacheMs ?? 1000)
  const patienceMs = positive('patienceMs', options.patienceMs ?? 500)
  const release = claim(meterProvider, storeName)
  const attributes = {
    'papyra.store.name': storeName,
    'papyra.backend.name': store.startupReport.backend,
  }
  const meter = meterProvider.getMeter(SCOPE)
  const tracer = tracerProvider.getTracer(SCOPE)
  const timing = { clock, cacheMs, answerWithinMs: patienceMs }
  const snapshots = new SingleFlight(() => store.describe(), timing)
  const { groups: port } = options
  const groups = port === undefined ? null : new SingleFlight(() => port.list(), timing)
  const durations: Durations | null =
    options.histograms === true ? durationHistogram(meter, attributes) : null
  const stop = observeStore(meter, { store, snapshots, groups, attributes })
  traceStartup(store.startupReport, { tracer, attributes, durations, now: clock.now() })
  let registered = true
  const on = (): boolean => registered
  return {
    papyra: traced(store, { tracer, attributes, durations, clock, on }),
    unregister() {
      if (!registered) return
      registered = false
      stop()
      release()
    },
  }
}

function claim(provider: MeterProvider, name: string): () => void {
  const names = named.get(provider) ?? new Set()
  named.set(provider, names)
  if (names.has(name)) {
    throw new PapyraError('invalid_argument', `A store named ${name} is instrumented already.`, {
      hint: 'Give each a `storeName` of its own, or unregister the other first.',
      details: { storeName: name },
    })
  }
  names.add(name)
  return () => names.delete(name)
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value
  throw new PapyraError('invalid_argument', `\`${name}\` must be a positive number of ms.`)
}
