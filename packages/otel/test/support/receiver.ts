import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import protobuf from 'protobufjs'

/** What of opentelemetry-proto 1.x (metrics/v1, common/v1, resource/v1) a receiver of metrics needs. */
const PROTO = `
syntax = "proto3";
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
message KeyValue { string key = 1; AnyValue value = 2; }
message Resource { repeated KeyValue attributes = 1; }
message Scope { string name = 1; string version = 2; }
message Point {
  repeated KeyValue attributes = 7;
  fixed64 start_time_unix_nano = 2;
  fixed64 time_unix_nano = 3;
  oneof value { double as_double = 4; sfixed64 as_int = 6; }
}
message Gauge { repeated Point data_points = 1; }
message Sum { repeated Point data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
message Metric {
  string name = 1; string description = 2; string unit = 3;
  oneof data { Gauge gauge = 5; Sum sum = 7; }
}
message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message Request { repeated ResourceMetrics resource_metrics = 1; }
`

export interface Point {
  readonly attributes?: readonly {
    readonly key: string
    readonly value: { stringValue?: string }
  }[]
  readonly startTimeUnixNano: string
  readonly timeUnixNano: string
  readonly asInt?: string
  readonly asDouble?: number
}

export interface ReceivedMetric {
  readonly name: string
  readonly unit: string
  readonly gauge?: { readonly dataPoints: readonly Point[] }
  readonly sum?: {
    readonly dataPoints: readonly Point[]
    readonly aggregationTemporality: number
    readonly isMonotonic?: boolean
  }
}

interface Decoded {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly scope: { readonly name: string }
      readonly metrics: readonly ReceivedMetric[]
    }[]
  }[]
}

/** A receiver of OTLP over HTTP in protobuf: what it received last, by name. */
export class Receiver {
  readonly #server: Server
  readonly #type: protobuf.Type = protobuf.parse(PROTO).root.lookupType('Request')
  received: ReadonlyMap<string, ReceivedMetric> = new Map()
  requests = 0

  constructor() {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const right =
          request.url === '/v1/metrics' &&
          request.headers['content-type'] === 'application/x-protobuf'
        if (right) this.#take(Buffer.concat(parts))
        response.writeHead(right ? 200 : 400, { 'content-type': 'application/x-protobuf' }).end()
      })
    })
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/metrics`
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #take(bytes: Buffer): void {
    const message = this.#type.decode(bytes)
    const { resourceMetrics } = this.#type.toObject(message, { longs: String }) as Decoded
    const scopes = resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics)
    const ours = scopes.filter(({ scope }) => scope.name === '@papyra/otel')
    this.received = new Map(
      ours.flatMap(({ metrics }) => metrics.map((metric) => [metric.name, metric] as const)),
    )
    this.requests += 1
  }
}
