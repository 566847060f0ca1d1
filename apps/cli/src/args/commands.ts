import type { Command } from '../command.js'
import { DOCTOR_COMMANDS } from './doctor.js'
import { GROUP_COMMANDS } from './groups.js'
import { FILTERS, LISTING, OWNING, STORE } from './options.js'
import { PERSISTENCE_COMMANDS } from './persistence.js'
import type { OptionSpec } from './spec.js'
import { INIT_BACKENDS } from './values.js'

const { type: _type, target: _target, ...auditOptions } = LISTING

const DEAD_LETTERS: Readonly<Record<string, OptionSpec>> = {
  ...LISTING,
  'group-by': {
    kind: 'value',
    value: 'FIELDS',
    describe:
      'Count them by target, type or reason, or several: target,reason; --limit is of groups',
  },
}

function listing(
  name: string,
  describe: string,
  options: Readonly<Record<string, OptionSpec>>,
  examples: Command['examples'] = [],
): Command {
  return {
    words: ['inspect', name],
    describe,
    examples: [
      { line: `papyra inspect ${name} --since 2h`, says: 'of the last two hours, oldest first' },
      { line: `papyra inspect ${name} --reverse --limit 20`, says: 'the newest 20' },
      { line: `papyra inspect ${name} --follow --since now --json`, says: 'new ones as they come' },
      ...examples,
    ],
    options: { ...STORE, ...options },
    load: () => import('../commands/inspect/listing.js'),
  }
}

const inspectCommands: readonly Command[] = [
  listing('events', 'List events', LISTING),
  listing('audits', 'List audits, the snapshots of a whole system', auditOptions),
  listing('dead-letters', 'List or count messages that could not be delivered', DEAD_LETTERS, [
    { line: 'papyra inspect dead-letters --since 1h --group-by target,reason', says: 'how many' },
  ]),
  {
    words: ['inspect', 'summary'],
    describe: 'Count records by kind and type, with their first and last times',
    examples: [
      { line: 'papyra inspect summary', says: 'the whole store' },
      { line: 'papyra inspect summary --since 24h --limit 5', says: 'the five commonest types' },
    ],
    options: {
      ...STORE,
      ...FILTERS,
      limit: {
        kind: 'value',
        value: 'N',
        reads: 'count',
        describe: 'List at most N types of each kind (default 20)',
      },
    },
    load: () => import('../commands/inspect/summary.js'),
  },
]

const metricsCommands: readonly Command[] = [
  {
    words: ['metrics', 'persistence'],
    describe: 'Show the numbers that the store keeps, across processes and restarts',
    examples: [
      { line: 'papyra metrics persistence', says: 'totals, and since the last reset' },
      { line: "papyra metrics persistence --json | jq '.report.totals'", says: 'for a script' },
    ],
    options: STORE,
    notes: [
      'A process that holds the store is asked for its numbers; standard error says so. Where it does',
      'not answer within 2 s, they are those on the disk, with a warning. `source` in the JSON tells.',
    ],
    load: () => import('../commands/metrics/persistence.js'),
  },
  {
    words: ['metrics', 'reset'],
    describe: 'Record the present totals as the baseline; history is kept',
    examples: [{ line: 'papyra metrics reset', says: 'count from now on' }],
    options: { ...STORE, ...OWNING },
    notes: ['Needs the store to itself: beside a living owner it ends with 75.'],
    load: () => import('../commands/metrics/reset.js'),
  },
]

const otherCommands: readonly Command[] = [
  {
    words: ['config', 'show'],
    describe: 'Show the configuration in force',
    examples: [
      { line: 'papyra config show --origin', says: 'and where each value came from' },
      { line: 'papyra config show --json', says: 'for a script' },
    ],
    options: {
      ...STORE,
      origin: { kind: 'flag', describe: 'Also where each value came from' },
    },
    load: () => import('../commands/config-show.js'),
  },
  {
    words: ['init'],
    describe: 'Write a first configuration, with retention and fail_on_anomaly stated',
    examples: [
      { line: 'papyra init', says: 'papyra.config.json here, for ./data/papyra.ndjson' },
      { line: 'papyra init --format ts --path ./data/shop.ndjson', says: 'as TypeScript' },
      { line: 'papyra init --backend rotation', says: 'for a long-running service: segments' },
    ],
    options: {
      backend: {
        kind: 'value',
        value: 'NAME',
        choices: INIT_BACKENDS,
        describe: 'The store it names (default json; rotation if --path ends in /)',
      },
      path: {
        kind: 'value',
        value: 'PATH',
        completes: 'file',
        describe: 'The log it names, or the folder of a rotation store',
      },
      format: {
        kind: 'value',
        value: 'FORMAT',
        choices: ['json', 'js', 'ts'],
        describe: 'Of the file to write (default json)',
      },
    },
    load: () => import('../commands/init.js'),
  },
  {
    words: ['explain'],
    describe: 'Explain a code of an error, an anomaly or a notice, or an exit code',
    examples: [
      { line: 'papyra explain torn_tail', says: 'what it means, what repair does' },
      { line: 'papyra explain 75', says: 'an exit code' },
    ],
    options: {},
    positional: { name: 'code', describe: 'Such as torn_tail, store_locked, 75', optional: true },
    load: () => import('../commands/explain.js'),
  },
  {
    words: ['completion'],
    describe: 'Print a completion script for a shell',
    examples: [
      { line: 'papyra completion bash > /etc/bash_completion.d/papyra', says: 'for everybody' },
      { line: 'papyra completion zsh > ~/.zfunc/_papyra', says: 'with ~/.zfunc in fpath' },
      { line: 'papyra completion fish > ~/.config/fish/completions/papyra.fish', says: 'for fish' },
    ],
    options: {},
    positional: { name: 'shell', describe: 'Which shell', choices: ['bash', 'zsh', 'fish'] },
    load: async () => {
      const { completionOf } = await import('../commands/completion.js')
      return completionOf(COMMANDS)
    },
  },
]

/** Every command there is. */
export const COMMANDS: readonly Command[] = [
  ...DOCTOR_COMMANDS,
  ...PERSISTENCE_COMMANDS,
  ...inspectCommands,
  ...GROUP_COMMANDS,
  ...metricsCommands,
  ...otherCommands,
]

/** What the groups are for. */
export const GROUPS: Readonly<Record<string, string>> = {
  doctor: 'Answer whether it is in order: the gate of a start, the production checklist',
  persistence: 'Verify, mend, shrink and describe a store',
  inspect: 'Read records, and the consumer groups',
  groups: 'Claim, remove and reset what consumer groups hold (Redis)',
  metrics: 'Numbers that the store keeps of itself',
  config: 'The configuration in force',
}
