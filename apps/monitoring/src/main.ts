import { SHIPPED, slug } from './alert.js'
import { dashboard } from './dashboard.js'
import { overview, runbook } from './pages.js'
import { ALERTS, rulesFile } from './rules.js'

const GENERATED = '# Generated from apps/monitoring/src by `npm run docs`. Do not edit.\n'

/** Every file that is made of the alerts and the panels, by its path in the repository. */
export function monitoringFiles(): { readonly [path: string]: string } {
  return {
    'deploy/prometheus/papyra-rules.yml': `${GENERATED}${rulesFile('units', SHIPPED)}`,
    'deploy/prometheus/papyra-rules-plain.yml': `${GENERATED}${rulesFile('plain', SHIPPED)}`,
    'deploy/grafana/papyra.json': json(dashboard('units')),
    'deploy/grafana/papyra-plain.json': json(dashboard('plain')),
    'docs/observability/alerts.md': overview(),
    ...Object.fromEntries(
      ALERTS.map((alert) => [`docs/observability/${slug(alert)}.md`, runbook(alert)]),
    ),
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
