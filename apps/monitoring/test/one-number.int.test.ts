import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { spell } from '../src/spelling.js'
import { Service, freePort, papyra } from './support/processes.js'
import { Prometheus } from './support/prometheus.js'

/** The key in the report of the command, and the number. */
const NUMBERS = {
  recordsWritten: 'papyra.record.written',
  recordsStored: 'papyra.record.stored',
  recordsDropped: 'papyra.retention.dropped',
  bytesStored: 'papyra.storage.usage',
  compactions: 'papyra.compaction.runs',
  scans: 'papyra.scan.runs',
} as const
type Key = keyof typeof NUMBERS
type Values = Record<Key, number>

interface Point {
  readonly asInt?: string | number
  readonly asDouble?: number
}
interface Exported {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly {
        readonly name: string
        readonly sum?: { readonly dataPoints: readonly Point[] }
        readonly gauge?: { readonly dataPoints: readonly Point[] }
      }[]
    }[]
  }[]
}

const mapped = async (value: (key: Key) => Promise<number> | number): Promise<Values> => {
  const keys = Object.keys(NUMBERS) as Key[]
  const pairs = await Promise.all(keys.map(async (key) => [key, await value(key)] as const))
  return Object.fromEntries(pairs) as Values
}

/** A receiver of OTLP: the last values, by name. */
async function receiver(): Promise<{
  readonly url: string
  readonly values: Map<string, number>
  close(): void
}> {
  const values = new Map<string, number>()
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      const { resourceMetrics } = JSON.parse(body) as Exported
      const scopes = resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics)
      for (const { name, sum, gauge } of scopes.flatMap(({ metrics }) => metrics)) {
        const [point] = (sum ?? gauge)?.dataPoints ?? []
        if (point !== undefined) values.set(name, Number(point.asInt ?? point.asDouble))
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${port}/v1/metrics`, values, close }
}

/** What the file itself says: its size, and its lines that have a number. */
async function recount(path: string): Promise<{ bytes: number; records: number; last: number }> {
  const bytes = await readFile(path)
  const lines = bytes.toString().split('\n').slice(0, -1)
  const numbers = lines.flatMap((line) => {
    const { seq, event_type: type } = JSON.parse(line) as { seq?: number; event_type?: string }
    return type === undefined ? [] : [seq ?? 0]
  })
  return { bytes: bytes.length, records: numbers.length, last: Math.max(0, ...numbers) }
}

test('the command, OTLP, Prometheus and a recount show the same numbers, over a restart and a kill', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'papyra-one-'))
  const path = join(dir, 'shop.ndjson')
  const port = await freePort()
  const otlp = await receiver()
  const prometheus = new Prometheus(dir, { shop: port })
  const shop = new Service('service', [path, String(port), 'shop'], { PAPYRA_OTLP: otlp.url })
  const metrics = async (): Promise<{
    readonly source: string
    readonly totals: Values
    readonly accounts: { written: number; unaccounted: { runs: number; atMost: number | null } }
  }> => {
    const { stdout } = await papyra('metrics', 'persistence', '--json', '--path', path)
    return (JSON.parse(stdout) as { report: Awaited<ReturnType<typeof metrics>> }).report
  }
  /** All four agree; gives what they say. */
  const agreed = async (): Promise<Values> => {
    expect(await shop.tell('send')).toBe('done')
    const { source, totals } = await metrics()
    expect(source).toBe('owner')
    const command = await mapped((key) => totals[key])
    expect(await mapped((key) => otlp.values.get(NUMBERS[key]) ?? -1)).toEqual(command)
    const scraped = (): Promise<Values> =>
      mapped(async (key) => (await prometheus.value(spell(`{${NUMBERS[key]}}`, 'units'))) ?? -1)
    // The next scrape has them.
    await prometheus.until('Prometheus says the same', async () => {
      return JSON.stringify(await scraped()) === JSON.stringify(command)
    })
    const { bytes, records, last } = await recount(path)
    expect({ bytes, records, last }).toEqual({
      bytes: command.bytesStored,
      records: command.recordsStored,
      last: command.recordsWritten,
    })
    return command
  }
  try {
    await prometheus.start()
    expect(await shop.start()).toBe('open')
    await shop.tell('facts', 150)
    expect(await agreed()).toMatchObject({ recordsWritten: 150, recordsStored: 150, scans: 1 })
    expect(await shop.tell('compact')).toBe('done')
    const compacted = { recordsWritten: 150, recordsStored: 100, recordsDropped: 50 }
    expect(await agreed()).toMatchObject({ ...compacted, compactions: 1 })

    // In order: everything goes on where it was.
    await shop.end()
    expect((await metrics()).totals).toMatchObject(compacted)
    expect(await shop.start()).toBe('open')
    await shop.tell('facts', 7)
    // Two starts, and the compaction's own.
    expect(await agreed()).toMatchObject({ recordsWritten: 157, recordsStored: 107, scans: 3 })

    // Killed, with nothing waiting: nothing that was written is missing, and the kill is on record.
    await shop.end('SIGKILL')
    expect(await shop.start()).toBe('open')
    await shop.tell('facts', 3)
    expect(await agreed()).toMatchObject({ recordsWritten: 160, recordsStored: 110 })
    const { accounts } = await metrics()
    expect(accounts.unaccounted.runs).toBe(1)
    expect(otlp.values.get('papyra.owner.killed')).toBe(1)
    const atMost = otlp.values.get('papyra.fact.unaccounted')
    expect(atMost).toBe(accounts.unaccounted.atMost)
    await prometheus.until('Prometheus has the bound', async () => {
      return (await prometheus.value('papyra_fact_unaccounted')) === atMost
    })
    await shop.end()
  } finally {
    await shop.end('SIGKILL')
    await prometheus.stop()
    otlp.close()
    await rm(dir, { recursive: true, force: true })
  }
})
