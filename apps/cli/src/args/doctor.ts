import type { Command } from '../command.js'
import { GATE, MODE, OWNING, STORE } from './options.js'
import type { OptionSpec } from './spec.js'

const run: Command = {
  words: ['doctor', 'run'],
  describe: 'The gate of a start, check by check: scan, decide, recover, scan again',
  examples: [
    { line: 'papyra doctor run --mode fail_on_anomaly', says: 'exit 0 if it may start, 1 if not' },
    { line: 'papyra doctor run --mode scan_only', says: 'tell all, refuse nothing, write nothing' },
    {
      line: 'papyra doctor run --mode recover --recovery-mode repair',
      says: 'mend it; 2 if anomalies are left',
    },
  ],
  options: { ...STORE, mode: MODE, ...GATE, ...OWNING },
  notes: [
    'Only the mode recover writes; it needs the store to itself: beside a living owner it ends with 75.',
  ],
  load: () => import('../commands/doctor/run.js'),
}

const REPORTS_FOLDER: OptionSpec = {
  kind: 'value',
  value: 'DIR',
  completes: 'folder',
  describe:
    'The folder that keeps reports (default: `reports` of the configuration, else papyra-reports beside it)',
}

const checklist: Command = {
  words: ['doctor', 'checklist'],
  describe: 'The production checklist, evaluated against the configuration and the store',
  examples: [
    { line: 'papyra doctor checklist', says: 'every item; exit 1 if one fails' },
    { line: 'papyra doctor checklist --only compaction', says: 'the items compaction.…' },
    { line: 'papyra doctor checklist --markdown > checklist.md', says: 'to attach to a release' },
  ],
  options: {
    ...STORE,
    only: {
      kind: 'list',
      value: 'ITEM',
      describe: 'Only this item, or all of one name; repeatable',
    },
    skip: { kind: 'list', value: 'ITEM', describe: 'Without this item; repeatable' },
    strict: {
      kind: 'flag',
      describe: 'What is unknown counts as failed: the default in production; --no-strict not',
    },
    markdown: { kind: 'flag', describe: 'Print Markdown' },
    reports: REPORTS_FOLDER,
  },
  notes: [
    'Reads only. `use` in the configuration states what the store is meant for; `waivers` name items that',
    'are known to be red, with reason, owner and the day until which they hold.',
  ],
  load: () => import('../commands/doctor/checklist.js'),
}

const explain: Command = {
  words: ['doctor', 'explain'],
  describe:
    'What a code means, how it comes about, what each mode does, what is lost, what to do first',
  examples: [
    { line: 'papyra doctor explain torn_tail', says: 'a code' },
    {
      line: 'papyra doctor explain shop.ndjson:4711',
      says: 'a place that a scan named, its bytes',
    },
  ],
  options: { ...STORE },
  positional: { name: 'what', describe: 'A code, or PATH:OFFSET as a scan prints it' },
  notes: [
    'Reads only. The store is the one that the file belongs to, unless a flag names another.',
  ],
  load: () => import('../commands/doctor/explain.js'),
}

/** The names of `DRILLS` of @papyra/doctor, which is loaded only when it is needed. */
export const DRILL_NAMES: readonly string[] = [
  ...['truncate', 'bit-flip', 'bad-utf8', 'kill-during-compaction', 'disk-full'],
  ...['retention-pressure', 'redis-restart', 'unacked'],
]

const REPORTS: Readonly<Record<string, OptionSpec>> = {
  reports: REPORTS_FOLDER,
  key: {
    kind: 'value',
    value: 'FILE',
    completes: 'file',
    describe: 'Sign the report with this private key (or PAPYRA_SIGNING_KEY)',
  },
}

const COPIES: Readonly<Record<string, OptionSpec>> = {
  dir: {
    kind: 'value',
    value: 'DIR',
    completes: 'folder',
    describe: 'Where the copies are made (default: the folder for temporary files)',
  },
  sample: {
    kind: 'value',
    value: 'BYTES',
    reads: 'bytes',
    describe: 'Copy at most so much, the newest records (default 256MiB)',
  },
  full: { kind: 'flag', describe: 'Copy the whole store, whatever its size' },
}

const drill: Command = {
  words: ['doctor', 'drill'],
  describe:
    'Break a copy of the store for real, recover it, and tell what was lost and what was kept',
  examples: [
    { line: 'papyra doctor drill', says: 'every drill that this backend has; exit 1 if one fails' },
    { line: 'papyra doctor drill truncate --rounds 10', says: 'one of them, ten times' },
    { line: 'papyra doctor drill --key papyra-signing.pem', says: 'with a signed report' },
    {
      line: 'papyra doctor drill verify papyra-reports/drill-….json --public-key papyra-signing.pub.pem',
      says: 'exit 0 only if that key signed it and nobody edited it',
    },
  ],
  options: {
    ...STORE,
    ...COPIES,
    seed: { kind: 'value', value: 'N', reads: 'count', describe: 'Damage the same places again' },
    rounds: {
      kind: 'value',
      value: 'N',
      reads: 'count',
      describe: 'How often what is left to chance is done (default 3)',
    },
    ...REPORTS,
    'public-key': {
      kind: 'value',
      value: 'FILE',
      completes: 'file',
      describe: 'For verify: the key that has to have signed it',
    },
  },
  positional: {
    name: 'drill',
    describe: 'Which one (default all)',
    choices: ['all', ...DRILL_NAMES, 'verify'],
    optional: true,
  },
  second: { name: 'file', describe: 'For verify: the report' },
  notes: ['The original is only read; its digest before and after is in the report.'],
  load: () => import('../commands/doctor/drill.js'),
}

const gate: Command = {
  words: ['doctor', 'gate'],
  describe:
    'Before a release: scan, retention, compaction, numbers, recovery and start, one verdict, one report',
  examples: [
    {
      line: 'papyra doctor gate',
      says: 'exit 0 only if everything passes; writes nothing to the store',
    },
    { line: 'papyra doctor gate --out gate.json', says: 'with a report to attach to the release' },
    {
      line: 'papyra doctor gate --apply',
      says: 'the compaction for real, after it worked on a copy',
    },
  ],
  options: {
    ...STORE,
    ...COPIES,
    apply: { kind: 'flag', describe: 'Compact the store itself, once that worked on a copy' },
    yes: { kind: 'flag', short: 'y', describe: 'Do not ask on a terminal' },
    out: {
      kind: 'value',
      value: 'FILE',
      completes: 'file',
      describe: 'Write the report here, too',
    },
    ...REPORTS,
  },
  load: () => import('../commands/doctor/gate.js'),
}

const keygen: Command = {
  words: ['doctor', 'keygen'],
  describe: 'Make a pair of keys (Ed25519) to sign reports with, and to verify them',
  examples: [{ line: 'papyra doctor keygen --out ops.pem', says: 'ops.pem and ops.pub.pem' }],
  options: {
    out: {
      kind: 'value',
      value: 'FILE',
      completes: 'file',
      describe: 'The private key (default papyra-signing.pem)',
    },
  },
  load: () => import('../commands/doctor/keygen.js'),
}

export const DOCTOR_COMMANDS: readonly Command[] = [run, checklist, explain, gate, drill, keygen]
