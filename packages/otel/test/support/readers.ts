import {
  AggregationTemporality,
  DataPointType,
  MeterProvider,
  MetricReader,
  type MetricData,
} from '@opentelemetry/sdk-metrics'

/** A reader that collects when it is told to. */
export class ManualReader extends MetricReader {
  constructor(temporality: AggregationTemporality = AggregationTemporality.CUMULATIVE) {
    super({ aggregationTemporalitySelector: () => temporality })
  }

  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}

  /** All metrics by name. */
  async metrics(): Promise<ReadonlyMap<string, MetricData>> {
    const { resourceMetrics, errors } = await this.collect()
    if (errors.length > 0) throw errors[0]
    const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
    return new Map(all.map((metric) => [metric.descriptor.name, metric]))
  }

  /** Values by name and by what tells them apart, histograms left out. */
  async values(): Promise<Readonly<Record<string, number>>> {
    const values: Record<string, number> = {}
    for (const [name, metric] of await this.metrics()) {
      if (metric.dataPointType === DataPointType.HISTOGRAM) continue
      if (metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) continue
      for (const { attributes, value } of metric.dataPoints) {
        const own = Object.entries(attributes).filter(([key]) => !COMMON.includes(key))
        values[[name, ...own.map(([, text]) => String(text))].join(' ')] = value
      }
    }
    return values
  }
}

const COMMON = ['papyra.store.name', 'papyra.backend.name']

export function provider(...readers: readonly MetricReader[]): MeterProvider {
  return new MeterProvider({ readers: [...readers] })
}
