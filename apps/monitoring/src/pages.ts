import { SHIPPED, slug, type Alert } from './alert.js'
import { ALERTS, alertsOf } from './rules.js'
import { spell } from './spelling.js'

const GENERATED = '<!-- Generated from apps/monitoring/src by `npm run docs`. Do not edit. -->\n\n'

/** The page of an alert. */
export function runbook(alert: Alert): string {
  const { name, severity, about, expression, holds, meaning, steps, clears } = alert
  const after = holds === undefined ? 'at once' : `after it held for ${SHIPPED(...holds)}`
  return `${GENERATED}# ${name}

${about} Severity \`${severity}\`, ${after}.

${meaning}

## What to do

${steps.map((step, index) => `${index + 1}. ${step}`).join('\n')}

The commands take the store from \`papyra.config.*\`, or from \`--path\`. They run as the user of the service and on its machine.

## When it clears

${clears}

## The rule

\`\`\`promql
${spell(expression(SHIPPED), 'units')}
\`\`\`

All alerts: [alerts](alerts.md). All numbers: [metrics](../metrics.md).
`
}

/** The page that lists them. */
export function overview(): string {
  const plain = new Set(alertsOf('plain').map(({ name }) => name))
  const rows = ALERTS.map(
    (alert) =>
      `| [\`${alert.name}\`](${slug(alert)}.md) | ${alert.severity} | ${alert.about} |${plain.has(alert.name) ? '' : ' only `/metrics`'} |`,
  )
  return `${GENERATED}# Alerts and dashboard

| alert | severity | question | numbers |
|---|---|---|---|
${rows.join('\n')}

## Which files

Numbers have two spellings in Prometheus; see [metrics](../metrics.md).

| how Prometheus gets the numbers | rules | dashboard |
|---|---|---|
| \`/metrics\` of @papyra/http; a Collector; its own OTLP endpoint | [\`papyra-rules.yml\`](../../deploy/prometheus/papyra-rules.yml) | [\`papyra.json\`](../../deploy/grafana/papyra.json) |
| the Prometheus exporter of OpenTelemetry's JavaScript SDK | [\`papyra-rules-plain.yml\`](../../deploy/prometheus/papyra-rules-plain.yml) | [\`papyra-plain.json\`](../../deploy/grafana/papyra-plain.json) |

[\`prometheus.yml\`](../../deploy/prometheus/prometheus.yml) shows how a service is scraped and the rules are loaded. Prometheus 2.42 or
later. The dashboard is imported as it is; it asks for the data source. Behind a Collector the labels \`job\` and \`instance\` are those
of the resource (\`service.name\`, \`service.instance.id\`). The groups of consumers are told only where \`groups\` was given to
\`createHealth\` or \`instrumentPapyra\`.

The rules are tested with \`promtool test rules\`, each firing and silent. With shorter times they are made to fire by their causes
before a real Prometheus (a full disk, one that hangs, changed bytes, a kill, a dead consumer, no compaction, one that gives nothing
back), and to clear. No Grafana has shown the dashboard yet: its JSON is built with Grafana's own types, and Prometheus parses all its queries.
`
}
