import type { Command } from '../command.js'
import { GATE, MODE, OWNING, STORE } from './options.js'

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

export const DOCTOR_COMMANDS: readonly Command[] = [run, checklist, explain]
