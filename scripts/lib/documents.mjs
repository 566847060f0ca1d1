// The generated documents as { path: text }.

const generated = (source) =>
  `<!-- Generated from ${source} by \`npm run docs\`. Do not edit. -->\n\n`

export function renderDocuments(catalogues) {
  return {
    'docs/errors.md': errorsPage(catalogues),
    'docs/metrics.md': metricsPage(catalogues),
    'docs/log-events.md': logEventsPage(catalogues),
    'docs/exit-codes.md': exitCodesPage(catalogues),
    ...catalogues.monitoring,
  }
}

const DATA = {
  kept: 'kept',
  kept_aside: 'kept aside',
  unproven: 'cannot be proven complete',
  lost: 'lost',
  unknown: 'unknown',
}

function errorsPage({ errors, anomalies, notices }) {
  const parts = [
    '# Errors, anomalies and notices',
    'Every code that Papyra reports, what it means and what to do. Codes are stable: they are never\nrenamed or given another meaning.',
    '## Errors',
    'The `code` of a `PapyraError`. The exit code is that of the `papyra` command.',
    ...Object.entries(errors).map(([code, e]) =>
      entry(code, [e.meaning, `What to do: ${e.action}`, `Exit code: ${e.exit}.`]),
    ),
    '## Anomalies',
    'What a scan finds wrong with a store.',
    ...Object.entries(anomalies).map(([code, a]) =>
      entry(code, [
        a.meaning,
        `Recovery: ${a.repair}`,
        `The data: ${DATA[a.data] ?? a.data}.`,
        `What to do: ${a.action}`,
      ]),
    ),
    '## Notices',
    'What a scan tells without holding it against the store.',
    ...Object.entries(notices).map(([code, n]) =>
      entry(code, [n.meaning, `What to do: ${n.action}`]),
    ),
  ]
  return `${generated('the catalogues of @papyra/contracts')}${parts.join('\n\n')}\n`
}

function entry(code, [meaning, ...rest]) {
  return `### ${code}\n\n${meaning}\n\n${rest.map((line) => `- ${line}`).join('\n')}`
}

function metricsPage({ metrics, instruments, prometheusName }) {
  const exported = (list) =>
    table(
      ['name', 'in Prometheus', 'without units', 'type', 'unit', 'what it counts'],
      list.map((m) => [
        `\`${m.name}\``,
        `\`${prometheusName(m)}\``,
        `\`${prometheusName({ ...m, unit: '' })}\``,
        m.type,
        `\`${m.unit}\``,
        m.attribute === undefined
          ? m.description
          : `${m.description} Attribute: \`${m.attribute}\`.`,
      ]),
    )
  const keys = metrics.map((m) => [`\`${m.key}\``, `\`${m.name}\``])
  return `${generated('the instruments of @papyra/contracts')}# Metrics

A counter only grows; a gauge is a level. Exporters name a number by its name; Prometheus, and what maps names as it does
(the Collector, \`/metrics\` of @papyra/http), by the second column; some exporters, such as the Prometheus exporter of the
JavaScript SDK, leave the units out, as in the third. The attributes of all of them but those of a service are
\`papyra.store.name\` and \`papyra.backend.name\` (labels \`papyra_store_name\`, \`papyra_backend_name\`).

## Of a store

What a store keeps about itself, across processes and restarts. \`papyra metrics reset\` records a baseline and takes nothing
away.

${exported([...metrics, ...instruments.times])}

## Of its owners

What became of the facts that they were handed, kept with the store as far as its backend has a place for it: \`offered\` =
\`written\` + \`waiting\` + all of \`dropped\`.

${exported(instruments.owner)}

## Of consumer groups

Where \`groups\` was given to \`instrumentPapyra\` or \`createHealth\`.

${exported(instruments.groups)}

## Of a service

Only over HTTP, where they can be told before there is a store. They have the labels of a store only if \`storeName\` and
\`backendName\` are given to the handler, so that their series are the same before and after the gate.

${exported(instruments.service)}

## Keys in reports

In \`papyra metrics persistence --json\` and \`papyra.metrics()\`.

${table(['key', 'name'], keys)}
`
}

function logEventsPage({ logEvents }) {
  const entries = Object.entries(logEvents)
  const overview = entries.map(([name, e]) => [`[\`${name}\`](#${anchor(name)})`, e.level, e.when])
  const parts = entries.map(([name, { level, message, when, fields }]) => {
    const rows = Object.entries(fields).map(([field, says]) => [`\`${field}\``, says])
    return `### ${name}\n\n${when} Level \`${level}\`, message "${message}".\n\n${table(['field', 'what it says'], rows)}`
  })
  return `${generated('the log events of @papyra/core')}# Log events

One line for each act of a store's life, for central collection. There is no line for a fact, and no line holds anything of
one: codes, numbers and names only. Messages of errors are left out too, as they may hold anything; look a code up in
[errors](errors.md).

Nothing is logged unless a logger is given. Any logger of pino's shape fits, fields first and message second:

\`\`\`js
import pino from 'pino'

await openPapyra({ systemId: 'shop', backend, logger: pino() })
\`\`\`

Without a logging library, \`jsonLogger\` writes lines of JSON with \`level\`, \`time\` (ms since 1970), the fields and \`msg\`:

\`\`\`js
import { jsonLogger } from '@papyra/core'

const logger = jsonLogger((line) => process.stderr.write(line))
\`\`\`

The commands \`papyra persistence scan\`, \`recover\`, \`compact\` and \`startup-check\` write such lines to standard error with
\`--log-events\`. A logger that throws changes nothing.

Each line has the field \`event\`; those of \`openPapyra\` also \`systemId\`, \`backend\` and \`location\` (a path, or a URL without
credentials).

## Events

${table(['event', 'level', 'when'], overview)}

## Fields

${parts.join('\n\n')}
`
}

/** How a heading is linked to. */
const anchor = (heading) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-')

function exitCodesPage({ exits, errors }) {
  const rows = exits.map(({ code, name, meaning }) => {
    const codes = Object.keys(errors).filter((key) => errors[key].exit === code)
    const links = codes.map((key) => `[\`${key}\`](errors.md#${key})`).join(', ')
    return [String(code), name === '' ? '' : `\`${name}\``, meaning, links]
  })
  return `${generated('apps/cli/src/exit-codes.ts')}# Exit codes

How the \`papyra\` command ends. The same table holds for every command.

${table(['code', 'name', 'meaning', 'errors that end so'], rows)}
`
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
