import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { QUICK } from '../../src/alert.js'
import { rulesFile } from '../../src/rules.js'
import type { Spelling } from '../../src/spelling.js'
import { end, freePort, kept } from './processes.js'

/** Whoever waits for longer than this waits in vain. */
const PATIENCE_MS = 60_000

interface Sample {
  readonly metric: { readonly [label: string]: string }
  readonly value: readonly [number, string]
}

export interface Alerting {
  readonly labels: { readonly [name: string]: string }
  readonly annotations: { readonly [name: string]: string }
  readonly state: 'pending' | 'firing'
}

/** A real Prometheus with the rules that wait seconds, scraping ports of 127.0.0.1. */
export class Prometheus {
  readonly #dir: string
  readonly #jobs: { readonly [job: string]: number }
  readonly #spelling: Spelling
  #child: ChildProcess | null = null
  #base = ''
  #said = ''

  constructor(dir: string, jobs: { readonly [job: string]: number }, spelling: Spelling = 'units') {
    this.#dir = dir
    this.#jobs = jobs
    this.#spelling = spelling
  }

  async start(): Promise<void> {
    const port = await freePort()
    await writeFile(join(this.#dir, 'rules.yml'), rulesFile(this.#spelling, QUICK))
    const config = {
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '200ms' },
      rule_files: ['rules.yml'],
      scrape_configs: Object.entries(this.#jobs).map(([job, target]) => ({
        job_name: job,
        static_configs: [{ targets: [`127.0.0.1:${target}`] }],
      })),
    }
    // JSON is YAML.
    await writeFile(join(this.#dir, 'prometheus.yml'), JSON.stringify(config))
    this.#base = `http://127.0.0.1:${port}`
    const args = [
      `--config.file=${join(this.#dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(this.#dir, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ]
    const child = kept(spawn('prometheus', args, { stdio: ['ignore', 'ignore', 'pipe'] }))
    this.#child = child
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#said += chunk.toString()
    })
    await once(child, 'spawn')
    await this.until('Prometheus is ready', () =>
      fetch(`${this.#base}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
  }

  async stop(): Promise<void> {
    if (this.#child !== null) await end(this.#child, 'SIGTERM')
  }

  /** Asks until it holds. Rejects after a long time, with what Prometheus complained of. */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (const began = Date.now(); !(await holds()); await pause(50)) {
      if (this.#child?.exitCode !== null || Date.now() - began > PATIENCE_MS)
        throw new Error(`Waited in vain: ${what}. ${await this.#state()}${this.#said}`)
    }
  }

  /** For whoever has to find out why. */
  async #state(): Promise<string> {
    const alerts = await this.alerts().catch(() => [])
    const said = alerts.map(
      ({ labels, state }) => `${labels['alertname']} ${labels['job']} ${state}`,
    )
    const series = '{__name__=~"papyra_(service|startup_refused|fact|write).*"}'
    const values = await this.query(series).catch(() => [])
    const lines = values.map(({ metric, value }) => `${JSON.stringify(metric)} ${value[1]}`)
    return [...said, ...lines].join('\n')
  }

  async query(expression: string): Promise<readonly Sample[]> {
    const { data } = (await this.#get(`query?query=${encodeURIComponent(expression)}`)) as {
      data: { result: Sample[] }
    }
    return data.result
  }

  /** The one value of an expression; `null` if there is none. */
  async value(expression: string): Promise<number | null> {
    const [sample] = await this.query(expression)
    return sample === undefined ? null : Number(sample.value[1])
  }

  async alerts(): Promise<readonly Alerting[]> {
    const { data } = (await this.#get('alerts')) as { data: { alerts: Alerting[] } }
    return data.alerts
  }

  /** Waits until an alert has fired since `since`, be it over by now. */
  fired(name: string, job: string, since: number): Promise<void> {
    const series = `ALERTS{alertname="${name}",alertstate="firing",job=~"${job}"}`
    return this.until(`${name} of ${job} fires`, async () => {
      const ms = Math.max(1, Date.now() - since)
      return (await this.query(`count_over_time(${series}[${ms}ms])`)).length > 0
    })
  }

  /** Waits until an alert neither fires nor is about to. */
  cleared(name: string, job: string): Promise<void> {
    return this.until(`${name} of ${job} clears`, async () =>
      (await this.alerts()).every(
        ({ labels }) => labels['alertname'] !== name || (labels['job'] ?? '') !== job,
      ),
    )
  }

  async #get(path: string): Promise<unknown> {
    const response = await fetch(`${this.#base}/api/v1/${path}`)
    if (!response.ok) throw new Error(`Prometheus: ${await response.text()}`)
    return response.json()
  }
}
