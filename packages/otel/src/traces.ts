import {
  SpanStatusCode,
  type Attributes,
  type Span,
  type Tracer,
  context,
  trace,
} from '@opentelemetry/api'
import {
  isPapyraError,
  type Clock,
  type CompactionReport,
  type RecoveryReport,
  type ScanReport,
} from '@papyra/contracts'
import type { Durations, Operation } from './durations.js'

/** What the gate did before a store was open: its `startupReport`. */
export interface Startup {
  readonly mode: string
  readonly backend: string
  readonly scan: ScanReport | null
  readonly recovery: RecoveryReport | null
  readonly durationMs: number
}

interface Tracing {
  readonly tracer: Tracer
  /** On every span. */
  readonly attributes: Attributes
  readonly durations: Durations | null
}

function scanAttributes({ coverage, clean, anomaliesTotal, bytes }: ScanReport): Attributes {
  return {
    'papyra.scan.coverage': coverage,
    'papyra.scan.clean': clean,
    'papyra.scan.anomalies': anomaliesTotal,
    'papyra.scan.bytes': bytes,
  }
}

function recoveryAttributes({ mode, changed, bytesSetAside }: RecoveryReport): Attributes {
  return {
    'papyra.recovery.mode': mode,
    'papyra.recovery.changed': changed,
    'papyra.recovery.set_aside': bytesSetAside,
  }
}

function compactionAttributes({ dryRun, changed, records, bytes }: CompactionReport): Attributes {
  return {
    'papyra.compaction.dry_run': dryRun,
    'papyra.compaction.changed': changed,
    'papyra.compaction.removed': records.before - records.after,
    'papyra.compaction.reclaimed': bytes.before - bytes.after,
  }
}

/**
 * The start as spans, told afterwards: as if it had ended `now`, its scan first and its recovery right
 * behind that.
 */
export function traceStartup(
  { mode, scan, recovery, durationMs }: Startup,
  { tracer, attributes, durations, now }: Tracing & { readonly now: number },
): void {
  const startTime = now - durationMs
  const gate = tracer.startSpan('papyra.startup', {
    startTime,
    attributes: { ...attributes, 'papyra.startup.mode': mode },
  })
  const within = trace.setSpan(context.active(), gate)
  let at = startTime
  const part = (operation: Operation, ms: number, own: Attributes): void => {
    const options = { startTime: at, attributes: { ...attributes, ...own } }
    at += ms
    tracer.startSpan(`papyra.${operation}`, options, within).end(at)
    durations?.record(operation, ms)
  }
  if (scan !== null) part('scan', scan.durationMs, scanAttributes(scan))
  if (recovery !== null) part('recovery', recovery.durationMs, recoveryAttributes(recovery))
  durations?.record('startup', durationMs)
  gate.end(now)
}

interface Operations {
  scan(...options: never[]): Promise<ScanReport>
  compact(...options: never[]): Promise<CompactionReport>
}

/** The same store, but its scans and compactions make spans. */
export function traced<Store extends Operations>(
  store: Store,
  tracing: Tracing & { readonly clock: Clock; readonly on: () => boolean },
): Store {
  const own: Operations = {
    scan: (...args) => run(tracing, 'scan', () => store.scan(...args), scanAttributes),
    compact: (...args) =>
      run(tracing, 'compaction', () => store.compact(...args), compactionAttributes),
  }
  return new Proxy(store, {
    get(target, name) {
      const value: unknown =
        tracing.on() && Object.hasOwn(own, name)
          ? own[name as keyof Operations]
          : Reflect.get(target, name, target)
      // Private members are the store's, not its stand-in's.
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

async function run<Report>(
  { tracer, attributes, durations, clock }: Tracing & { readonly clock: Clock },
  operation: Operation,
  work: () => Promise<Report>,
  describe: (report: Report) => Attributes,
): Promise<Report> {
  const start = clock.monotonic()
  return tracer.startActiveSpan(`papyra.${operation}`, { attributes }, async (span) => {
    try {
      const report = await work()
      span.setAttributes(describe(report))
      durations?.record(operation, clock.monotonic() - start)
      return report
    } catch (error) {
      const type = isPapyraError(error) ? error.code : 'internal'
      failed(span, type)
      durations?.record(operation, clock.monotonic() - start, type)
      throw error
    } finally {
      span.end()
    }
  })
}

/** The code and no more: messages may hold paths. */
function failed(span: Span, type: string): void {
  span.setAttribute('error.type', type)
  span.setStatus({ code: SpanStatusCode.ERROR, message: type })
}
