import { FACT_ALERTS } from './alerts-facts.js'
import { STORE_ALERTS } from './alerts-store.js'
import { UPKEEP_ALERTS } from './alerts-upkeep.js'
import { slug, type Alert, type Durations } from './alert.js'
import { onlyOverHttp, spell, type Spelling } from './spelling.js'

export const ALERTS: readonly Alert[] = [...FACT_ALERTS, ...STORE_ALERTS, ...UPKEEP_ALERTS]

const PAGES = 'https://github.com/papyra/papyra/blob/main/docs/observability'

/** The alerts that a spelling can have: what only `/metrics` tells is never spelled without units. */
export function alertsOf(spelling: Spelling): readonly Alert[] {
  return ALERTS.filter(
    ({ expression }) => spelling === 'units' || !onlyOverHttp(expression((shipped) => shipped)),
  )
}

/** A file of rules for Prometheus. */
export function rulesFile(spelling: Spelling, durations: Durations): string {
  const rules = alertsOf(spelling).flatMap((alert) => ruleLines(alert, spelling, durations))
  return `${['groups:', '  - name: papyra', '    rules:', ...rules].join('\n')}\n`
}

function ruleLines(alert: Alert, spelling: Spelling, durations: Durations): string[] {
  const { name, severity, expression, holds, summary, meaning } = alert
  const lines = spell(expression(durations), spelling).split('\n')
  return [
    `      - alert: ${name}`,
    '        expr: |-',
    ...lines.map((line) => `          ${line}`),
    ...(holds === undefined ? [] : [`        for: ${durations(...holds)}`]),
    '        labels:',
    `          severity: ${severity}`,
    '        annotations:',
    `          summary: ${JSON.stringify(summary)}`,
    `          description: ${JSON.stringify(meaning)}`,
    `          runbook_url: ${PAGES}/${slug(alert)}.md`,
  ]
}
