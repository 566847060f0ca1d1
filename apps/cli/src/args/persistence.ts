import type { Command } from '../command.js'
import {
  CONSENT,
  GATE,
  LIMITS,
  LOGGING,
  MODE,
  OWNING,
  RECOVERY,
  RECOVERY_MODE,
  STORE,
} from './options.js'

const scan: Command = {
  words: ['persistence', 'scan'],
  describe: 'Verify every byte of a store; never writes, works beside a living owner',
  examples: [
    { line: 'papyra persistence scan', says: 'the configured store' },
    { line: 'papyra persistence scan --path data/shop.ndjson', says: 'one file' },
    { line: 'papyra persistence scan --path data/shop/', says: 'a folder of segments' },
    { line: "papyra persistence scan --json | jq '.report.anomalyCounts'", says: 'for a script' },
  ],
  options: {
    ...STORE,
    ...LOGGING,
    'max-anomalies': {
      kind: 'value',
      value: 'N',
      reads: 'count',
      describe: 'List at most N anomalies; all are counted (default 20, with --json 1000)',
    },
    'via-owner': {
      kind: 'flag',
      describe:
        'Have the living owner scan: it counts the run as its verification. 75 if it is silent',
    },
  },
  notes: [
    'Beside a living owner the line that it is writing is never damage. Without --via-owner nobody is',
    'asked, nothing is written, and so the run is not counted among the numbers of the store.',
  ],
  load: () => import('../commands/persistence/scan.js'),
}

const recover: Command = {
  words: ['persistence', 'recover'],
  describe: 'Mend what a scan finds, keep aside what is taken out, then scan again',
  examples: [
    { line: 'papyra persistence recover --dry-run', says: 'what would be done: a plan' },
    { line: 'papyra persistence recover --plan ID', says: 'just what that plan says' },
    { line: 'papyra persistence recover', says: 'mend the configured store' },
    {
      line: 'papyra persistence recover --mode quarantine --quarantine-dir /var/papyra/q',
      says: 'copy the whole damaged originals there first',
    },
    {
      line: 'papyra persistence recover --accept-loss',
      says: 'no copy could be found: record as lost what is gone',
    },
  ],
  options: {
    ...STORE,
    ...LOGGING,
    mode: RECOVERY_MODE,
    ...RECOVERY,
    plan: {
      kind: 'value',
      value: 'ID',
      describe: 'Do just what an earlier dry run showed; refused (75) if anything came between',
    },
    force: {
      kind: 'flag',
      describe: 'Also if more than half of the lines would be taken out, or the log names another',
    },
    ...OWNING,
    ...CONSENT,
  },
  load: () => import('../commands/persistence/recover.js'),
}

const startupCheck: Command = {
  words: ['persistence', 'startup-check'],
  describe: 'Tell whether a service may start on the store; the gate of openPapyra',
  examples: [
    {
      line: 'papyra persistence startup-check --mode fail_on_anomaly',
      says: 'exit 0 if it may start, 1 if not',
    },
    {
      line: 'papyra persistence startup-check --mode recover --recovery-mode repair',
      says: 'mend first, exclusively, then scan again',
    },
    {
      line: 'papyra persistence startup-check --allow-new',
      says: 'a store that is not there yet is fine',
    },
  ],
  options: {
    ...STORE,
    ...LOGGING,
    mode: MODE,
    ...GATE,
    ...OWNING,
  },
  load: () => import('../commands/persistence/startup-check.js'),
}

const compact: Command = {
  words: ['persistence', 'compact'],
  describe: 'Delete what retention hides, then verify; a living owner is asked to do it itself',
  examples: [
    { line: 'papyra persistence compact --dry-run', says: 'what would go, and why: a plan' },
    { line: 'papyra persistence compact --plan ID', says: 'just what that plan says' },
    { line: 'papyra persistence compact', says: 'with the configured or the recorded policy' },
    {
      line: 'papyra persistence compact --quiet --throttle 20MB',
      says: 'from cron, sparing the disk',
    },
    {
      line: 'papyra persistence compact --path data/shop.ndjson --max-age-seconds 30d',
      says: 'with this policy alone',
    },
  ],
  options: {
    ...STORE,
    ...LOGGING,
    ...LIMITS,
    plan: {
      kind: 'value',
      value: 'ID',
      describe: 'Delete just what the plan of an earlier dry run says, whatever was appended since',
    },
    throttle: {
      kind: 'value',
      value: 'BYTES',
      reads: 'bytes',
      describe: 'Read and write at most so many bytes a second; also 10MB, 64MiB',
    },
    force: { kind: 'flag', describe: 'Also if the clock is suspect, or if everything would go' },
    'ignore-groups': {
      kind: 'flag',
      describe: 'Redis: also what a consumer group has not handled; told and counted',
    },
    approximate: {
      kind: 'flag',
      describe: 'Redis: only what costs next to nothing; what is left is told',
    },
    ...OWNING,
    ...CONSENT,
  },
  notes: [
    'The policy is that of the flags, else of the configuration, else the one that the last owner',
    'recorded with the store. The command says which, and warns when they differ. With --plan it is',
    'the one that the plan was made with. A plan is stale (75) once a compaction or a recovery came',
    'between; what was appended since stays, and does not make it stale.',
    'Where a process holds the store, that process compacts while it goes on writing, and standard',
    'error says which. Only one that does not answer within 2 s is a reason for 75; with --wait-lock',
    'it is waited for first.',
  ],
  load: () => import('../commands/persistence/compact.js'),
}

const inspect: Command = {
  words: ['persistence', 'inspect'],
  describe: 'Describe a store: size, state, segments, policy, what is expired, history, losses',
  examples: [
    { line: 'papyra persistence inspect', says: 'the configured store' },
    { line: 'papyra persistence inspect --show-metrics', says: 'and its numbers, live if owned' },
    { line: "papyra persistence inspect --json | jq '.report.expired'", says: 'for a script' },
  ],
  options: {
    ...STORE,
    'show-metrics': { kind: 'flag', describe: 'Also the numbers that the store keeps of itself' },
  },
  notes: [
    'With --show-metrics a living owner is asked for its numbers; standard error says whose they are.',
    'Nothing is written. What is expired but not compacted yet is worked out by the policy that',
    '`papyra persistence compact` would use: of one log that reads numbers, kinds and times of all',
    'records, of segments only where a limit falls inside one.',
  ],
  load: () => import('../commands/persistence/inspect.js'),
}

const segments: Command = {
  words: ['persistence', 'segments'],
  describe: 'List the segments of a rotation store, and what retention hides of each',
  examples: [
    { line: 'papyra persistence segments', says: 'the configured store, oldest first' },
    { line: 'papyra persistence segments --path data/shop/', says: 'one folder' },
    {
      line: "papyra persistence segments --json | jq -r '.report.segments[].path'",
      says: 'for a script',
    },
  ],
  options: STORE,
  load: () => import('../commands/persistence/segments.js'),
}

const upgrade: Command = {
  words: ['persistence', 'upgrade'],
  describe: 'Turn a plain log into a checksummed one; the original is kept aside',
  examples: [
    { line: 'papyra persistence upgrade --path old.ndjson --dry-run', says: 'what would be done' },
    { line: 'papyra persistence upgrade --path old.ndjson', says: 'in place, original kept' },
    {
      line: 'papyra persistence upgrade --path old.ndjson --out new.ndjson',
      says: 'to a new file',
    },
  ],
  options: {
    ...STORE,
    out: { kind: 'value', value: 'FILE', completes: 'file', describe: 'Write the new log here' },
    ...CONSENT,
  },
  load: () => import('../commands/persistence/upgrade.js'),
}

const create: Command = {
  words: ['persistence', 'create'],
  describe: 'Make a new, empty store, as for the first start on an empty volume',
  examples: [
    { line: 'papyra persistence create', says: 'the configured store; refuses if it is there' },
    { line: 'papyra persistence create --if-absent', says: 'fine if it is there already' },
    { line: 'papyra persistence create --path data/shop/', says: 'a folder of segments' },
  ],
  options: {
    ...STORE,
    'if-absent': { kind: 'flag', describe: 'Do nothing, successfully, if the store is there' },
  },
  load: () => import('../commands/persistence/create.js'),
}

export const PERSISTENCE_COMMANDS: readonly Command[] = [
  scan,
  recover,
  startupCheck,
  compact,
  inspect,
  segments,
  upgrade,
  create,
]
