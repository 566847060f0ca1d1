import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  type Dashboard,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as SeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { ROWS, type Panel, type Query } from './panels.js'
import { onlyOverHttp, spell, type Spelling } from './spelling.js'

const SOURCE = { type: 'prometheus', uid: '$datasource' }
/** What every query of a store is narrowed to; `SELECT` in an expression stands for it. */
const SELECTOR = 'job=~"$job",papyra_store_name=~"$store"'
const OF_SERVICE = 'job=~"$job"'

/** The expression of a query as a dashboard of that spelling has it. */
export function dashboardQuery({ expression }: Query, spelling: Spelling): string {
  const selector = onlyOverHttp(expression) ? OF_SERVICE : SELECTOR
  return spell(expression, spelling).replaceAll('SELECT', selector)
}

/** The panels of a row that a spelling can have. */
export function panelsOf(panels: readonly Panel[], spelling: Spelling): readonly Panel[] {
  return panels.filter(
    ({ queries }) =>
      spelling === 'units' || !queries.some(({ expression }) => onlyOverHttp(expression)),
  )
}

/** A dashboard for Grafana, as it is imported or provisioned. */
export function dashboard(spelling: Spelling): Dashboard {
  const title = spelling === 'units' ? 'Papyra' : 'Papyra (names without units)'
  const written = spell('{papyra.record.written}', spelling)
  const built = new DashboardBuilder(title)
    .uid(spelling === 'units' ? 'papyra' : 'papyra-plain')
    .description('Is data being dropped, is compaction effective, is recovery happening?')
    .tags(['papyra'])
    .readonly()
    .refresh('30s')
    .time({ from: 'now-6h', to: 'now' })
    .withVariable(
      new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
    )
    .withVariable(choice('job', 'Job', `label_values(${written}, job)`))
    .withVariable(
      choice('store', 'Store', `label_values(${written}{job=~"$job"}, papyra_store_name)`),
    )
  for (const { title: row, panels } of ROWS) {
    built.withRow(new RowBuilder(row))
    for (const panel of panelsOf(panels, spelling)) built.withPanel(panelOf(panel, spelling))
  }
  return built.build()
}

function choice(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(SOURCE)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
}

function panelOf(panel: Panel, spelling: Spelling): SeriesBuilder | StatBuilder {
  const { title, description, unit, stat, queries } = panel
  const built = stat === true ? new StatBuilder().span(6).height(4) : new SeriesBuilder().span(8)
  built.title(title).description(description).unit(unit).datasource(SOURCE)
  for (const query of queries) {
    built.withTarget(
      new DataqueryBuilder()
        .expr(dashboardQuery(query, spelling))
        .legendFormat(query.legend)
        .datasource(SOURCE),
    )
  }
  return built
}
