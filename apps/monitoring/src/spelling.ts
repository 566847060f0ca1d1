import {
  FACT_INSTRUMENTS,
  GROUP_INSTRUMENTS,
  METRIC_DEFINITIONS,
  OWNER_INSTRUMENTS,
  SERVICE_INSTRUMENTS,
  TIME_INSTRUMENTS,
  type InstrumentDefinition,
} from '@papyra/contracts'
import { prometheusName } from '@papyra/http'

/**
 * How a number is named in Prometheus: `units` by its own mapping, as over HTTP and behind a Collector;
 * `plain` without units, as by the Prometheus exporter of OpenTelemetry's JavaScript SDK.
 */
export type Spelling = 'units' | 'plain'

export const SPELLINGS: readonly Spelling[] = ['units', 'plain']

const OF_STORES: readonly InstrumentDefinition[] = [
  ...METRIC_DEFINITIONS,
  ...[FACT_INSTRUMENTS, OWNER_INSTRUMENTS, TIME_INSTRUMENTS, GROUP_INSTRUMENTS].flatMap(
    (table): InstrumentDefinition[] => Object.values(table),
  ),
]
const OF_SERVICES: readonly InstrumentDefinition[] = Object.values(SERVICE_INSTRUMENTS)

const BY_NAME: ReadonlyMap<string, InstrumentDefinition> = new Map(
  [...OF_STORES, ...OF_SERVICES].map((definition) => [definition.name, definition]),
)

/** A number in an expression, such as `{papyra.fact.dropped}`; no label selector has a dot there. */
const PLACE = /\{(papyra(?:\.[a-z_]+)+)\}/g

/** The names of the numbers that an expression uses. */
export function namesIn(expression: string): string[] {
  return [...expression.matchAll(PLACE)].map(([, name = '']) => name)
}

/** Puts the names of a spelling into an expression. Throws for a number that there is not. */
export function spell(expression: string, spelling: Spelling): string {
  return expression.replace(PLACE, (_, name: string) => {
    const definition = BY_NAME.get(name)
    if (definition === undefined) throw new Error(`There is no metric ${name}.`)
    return prometheusName(spelling === 'units' ? definition : { ...definition, unit: '' })
  })
}

/** True if an expression needs numbers that only `/metrics` of @papyra/http tells. */
export function onlyOverHttp(expression: string): boolean {
  return namesIn(expression).some((name) => OF_SERVICES.some((service) => service.name === name))
}
