import { familyName, prometheusName, unitWord, type NamedMetric } from './metric-names.js'

export interface Sample {
  readonly labels?: { readonly [name: string]: string }
  readonly value: number
}

/** One metric with all its values. */
export interface Family extends NamedMetric {
  readonly description: string
  readonly samples: readonly Sample[]
}

export type Format = 'text' | 'openmetrics'

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/**
 * Writes families in the text format of Prometheus (0.0.4) or in OpenMetrics (1.0.0). The order is the
 * one given: the same families give the same text.
 */
export function renderFamilies(families: readonly Family[], format: Format): string {
  const lines = families.flatMap((family) => familyLines(family, format))
  if (format === 'openmetrics') lines.push('# EOF')
  return `${lines.join('\n')}\n`
}

function familyLines(family: Family, format: Format): string[] {
  const name = prometheusName(family)
  const title = format === 'openmetrics' ? familyName(family) : name
  const unit = unitWord(family)
  const lines = [`# HELP ${title} ${escapeHelp(family.description, format)}`]
  lines.push(`# TYPE ${title} ${family.type}`)
  if (format === 'openmetrics' && unit !== null && title.endsWith(`_${unit}`)) {
    lines.push(`# UNIT ${title} ${unit}`)
  }
  for (const { labels, value } of family.samples) {
    lines.push(`${name}${labelText(labels ?? {})} ${numberText(value)}`)
  }
  return lines
}

function labelText(labels: { readonly [name: string]: string }): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeLabel(value: string): string {
  // A lone surrogate is no UTF-8, and would break the whole answer.
  const text = value.replace(/\p{Surrogate}/gu, '\uFFFD')
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function escapeHelp(text: string, format: Format): string {
  const plain = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return format === 'openmetrics' ? plain.replaceAll('"', '\\"') : plain
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}
