import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { prometheusName } from '@papyra/http'
import { expect, test } from 'vitest'
import { QUICK, SHIPPED } from '../src/alert.js'
import { dashboardQuery, panelsOf } from '../src/dashboard.js'
import { monitoringFiles } from '../src/main.js'
import { ROWS } from '../src/panels.js'
import { ALERTS, alertsOf, rulesFile } from '../src/rules.js'
import { SPELLINGS, onlyOverHttp, spell, type Spelling } from '../src/spelling.js'
import { CASES, type Case, type Series } from './support/cases.js'
import { command } from './support/command.js'

const DEPLOY = fileURLToPath(new URL('../../../deploy/prometheus/', import.meta.url))

async function inFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'papyra-rules-'))
  try {
    return await work(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** With the labels that it has when it is scraped. */
function seriesName(name: string, spelling: Spelling): string {
  const own = name.startsWith('papyra.group.')
    ? ',papyra_group_name="event/billing"'
    : name === 'papyra.fact.dropped'
      ? ',papyra_drop_reason="full"'
      : ''
  const store = onlyOverHttp(`{${name}}`)
    ? ''
    : `,papyra_store_name="shop",papyra_backend_name="json"${own}`
  return `${spell(`{${name}}`, spelling)}{job="shop",instance="a"${store}}`
}

function testOf(one: Case, series: Series, fires: boolean, spelling: Spelling): object {
  const state = fires ? ',alertstate="firing"' : ''
  return {
    interval: one.long === true ? '5m' : '1m',
    input_series: Object.entries(series).map(([name, values]) => ({
      series: seriesName(name, spelling),
      values,
    })),
    promql_expr_test: [
      {
        // Silent means: not even pending.
        expr: `count(ALERTS{alertname="${one.alert}"${state}}) or vector(0)`,
        eval_time: `${one.at}m`,
        exp_samples: [{ labels: '{}', value: Number(fires) }],
      },
    ],
  }
}

function testsOf(spelling: Spelling, long: boolean): object[] {
  const names = new Set(alertsOf(spelling).map(({ name }) => name))
  return CASES.filter((one) => names.has(one.alert) && (one.long ?? false) === long).flatMap(
    (one) => [
      ...one.firing.map((series) => testOf(one, series, true, spelling)),
      ...one.silent.map((series) => testOf(one, series, false, spelling)),
    ],
  )
}

const files = { units: 'papyra-rules.yml', plain: 'papyra-rules-plain.yml' }

test('every alert has a firing and a silent case', () => {
  expect(CASES.map(({ alert }) => alert).sort()).toEqual(ALERTS.map(({ name }) => name).sort())
  for (const { firing, silent } of CASES) {
    expect(firing.length).toBeGreaterThan(0)
    expect(silent.length).toBeGreaterThan(0)
  }
})

test.each(SPELLINGS)(
  'promtool test rules: each fires when it should and else is silent (%s)',
  (spelling) =>
    inFolder(async (dir) => {
      for (const long of [false, true]) {
        const file = join(dir, 'tests.yml')
        const rules = [join(DEPLOY, files[spelling])]
        const evaluation = { rule_files: rules, evaluation_interval: long ? '30m' : '1m' }
        // JSON is YAML.
        await writeFile(file, JSON.stringify({ ...evaluation, tests: testsOf(spelling, long) }))
        const { code, said } = await command('promtool', ['test', 'rules', file])
        expect(said).not.toContain('FAILED')
        expect(code).toBe(0)
      }
    }),
)

test('promtool check rules: shipped and quick ones, in both spellings; and the sample configuration', () =>
  inFolder(async (dir) => {
    for (const spelling of SPELLINGS) {
      for (const durations of [SHIPPED, QUICK]) {
        await writeFile(join(dir, 'rules.yml'), rulesFile(spelling, durations))
        const checked = await command('promtool', ['check', 'rules', 'rules.yml'], dir)
        expect(checked.said).toContain(`SUCCESS: ${alertsOf(spelling).length} rules found`)
        expect(checked.code).toBe(0)
      }
    }
    const config = await command('promtool', ['check', 'config', join(DEPLOY, 'prometheus.yml')])
    expect([config.code, config.said]).toEqual([
      0,
      expect.stringContaining('SUCCESS: 1 rule files'),
    ])
  }))

test('every query of the dashboards is PromQL, and each dashboard has the panels it can have', () =>
  inFolder(async (dir) => {
    for (const spelling of SPELLINGS) {
      const file = spelling === 'units' ? 'papyra' : 'papyra-plain'
      const text = monitoringFiles()[`deploy/grafana/${file}.json`] ?? ''
      const panels = ROWS.flatMap((row) => panelsOf(row.panels, spelling))
      const queries = panels.flatMap((panel) => panel.queries)
      const shown = (
        JSON.parse(text) as { panels: { type: string; targets?: { expr: string }[] }[] }
      ).panels
      expect(shown.filter(({ type }) => type === 'row')).toHaveLength(ROWS.length)
      expect(shown.filter(({ type }) => type !== 'row')).toHaveLength(panels.length)
      const expressions = shown.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr))
      expect(expressions).toEqual(queries.map((query) => dashboardQuery(query, spelling)))
      const rules = expressions.map((expr, index) => ({
        record: `q:${index}`,
        // What Grafana puts in.
        expr: expr.replace(/\$__rate_interval|\$__range/g, '5m'),
      }))
      await writeFile(join(dir, 'q.yml'), JSON.stringify({ groups: [{ name: 'q', rules }] }))
      const { code, said } = await command('promtool', ['check', 'rules', 'q.yml'], dir)
      expect([code, said]).toEqual([0, expect.stringContaining(`${rules.length} rules found`)])
    }
  }))

test('only numbers that there are can be spelled, as the table of metrics spells them', () => {
  expect(() => spell('{papyra.fact.invented}', 'units')).toThrow('papyra.fact.invented')
  const storage = { name: 'papyra.storage.written', type: 'counter', unit: 'By' } as const
  expect(spell('rate({papyra.storage.written}{job="a"}[1m])', 'units')).toBe(
    `rate(${prometheusName(storage)}{job="a"}[1m])`,
  )
  expect(spell('{papyra.storage.written}', 'plain')).toBe('papyra_storage_written_total')
})
