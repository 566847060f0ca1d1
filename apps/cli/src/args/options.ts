import { RECOVERY_MODES, STARTUP_MODES } from '@papyra/contracts'
import type { OptionSpec } from './spec.js'

/** Options that every command has. */
export const COMMON: Readonly<Record<string, OptionSpec>> = {
  json: {
    kind: 'flag',
    describe: 'Print one JSON document, or one JSON object a line for streams',
  },
  quiet: { kind: 'flag', short: 'q', describe: 'Say nothing but what went wrong' },
  color: { kind: 'flag', describe: 'Colour, whatever the terminal; --no-color for none' },
  help: { kind: 'flag', short: 'h', describe: 'Show this help' },
}

/** Whether acts are told for central collection. */
export const LOGGING: Readonly<Record<string, OptionSpec>> = {
  'log-events': {
    kind: 'flag',
    describe: 'Also write a line of JSON for each act to standard error: see docs/log-events.md',
  },
}

/** Options that say which store is meant. */
export const STORE: Readonly<Record<string, OptionSpec>> = {
  path: {
    kind: 'value',
    value: 'PATH',
    completes: 'file',
    describe:
      'The log, or the folder of a rotation store (a new one: DIR/); no configuration is then looked for',
  },
  config: {
    kind: 'value',
    value: 'FILE',
    completes: 'file',
    describe: 'Use this configuration instead of looking for one',
  },
  'redis-url': {
    kind: 'value',
    value: 'URL',
    describe: 'A store on this Redis server; without a password: see --redis-url-file',
  },
  'redis-url-file': {
    kind: 'value',
    value: 'FILE',
    completes: 'file',
    describe: 'The same, its URL in a file that only its owner may read (or PAPYRA_REDIS_URL)',
  },
  'redis-prefix': {
    kind: 'value',
    value: 'PREFIX',
    describe: 'What its keys begin with (default papyra)',
  },
  system: { kind: 'value', value: 'NAME', describe: 'Which store on that server' },
}

/** Options of what needs exclusive ownership. */
export const OWNING: Readonly<Record<string, OptionSpec>> = {
  'wait-lock': {
    kind: 'value',
    value: 'TIME',
    reads: 'duration',
    describe: 'How long to wait for a living owner to go, such as 60s (default 500ms)',
  },
}

/** Options of what changes a store for good. */
export const CONSENT: Readonly<Record<string, OptionSpec>> = {
  'dry-run': {
    kind: 'flag',
    describe: 'Show the plan, change nothing, exit as the real run would',
  },
  yes: { kind: 'flag', short: 'y', describe: 'Do not ask on a terminal' },
}

export const RECOVERY: Readonly<Record<string, OptionSpec>> = {
  'quarantine-dir': {
    kind: 'value',
    value: 'DIR',
    completes: 'folder',
    describe: 'Where quarantine copies the whole damaged originals first',
  },
  'accept-loss': {
    kind: 'flag',
    describe: 'Consent to record acknowledged records that are gone as lost, for ever',
  },
}

export const MODE: OptionSpec = {
  kind: 'value',
  value: 'MODE',
  choices: STARTUP_MODES,
  describe: 'What the gate does (default: the configuration, else fail_on_anomaly)',
}

export const RECOVERY_MODE: OptionSpec = {
  kind: 'value',
  value: 'MODE',
  choices: RECOVERY_MODES,
  describe: 'How what is taken out is kept (default: the configuration, else repair)',
}

export const LIMITS: Readonly<Record<string, OptionSpec>> = {
  'max-records': {
    kind: 'value',
    value: 'N',
    reads: 'count',
    describe: 'Keep the newest N records',
  },
  'max-age-seconds': {
    kind: 'value',
    value: 'SECONDS',
    reads: 'seconds',
    describe: 'Keep records at most this old; also 30d, 12h',
  },
  'max-total-bytes': {
    kind: 'value',
    value: 'BYTES',
    reads: 'bytes',
    describe: 'Keep the newest records up to this size; also 512MiB, 500MB',
  },
}

export const PERIOD: Readonly<Record<string, OptionSpec>> = {
  since: {
    kind: 'value',
    value: 'TIME',
    reads: 'time',
    describe: 'Only records at or after: 2h or 7d ago, ISO 8601, epoch, now, today',
  },
  until: { kind: 'value', value: 'TIME', reads: 'time', describe: 'Only records before' },
}

export const FILTERS: Readonly<Record<string, OptionSpec>> = {
  ...PERIOD,
  type: { kind: 'value', value: 'TYPE', describe: 'Only this event type or message type' },
  target: {
    kind: 'value',
    value: 'ADDRESS',
    describe: 'Only this actor (events) or target (dead letters)',
  },
  where: {
    kind: 'list',
    value: 'KEY=VALUE',
    describe: 'Only records with this value, such as payload.id=A1; may be repeated, all must hold',
  },
  all: { kind: 'flag', describe: 'Also what retention hides and compaction has not deleted yet' },
}

export const LISTING: Readonly<Record<string, OptionSpec>> = {
  ...FILTERS,
  limit: {
    kind: 'value',
    value: 'N',
    reads: 'count',
    describe: 'At most N records, counted after the filters',
  },
  reverse: { kind: 'flag', describe: 'Newest first' },
  follow: { kind: 'flag', describe: 'Go on with records as they are written, until Ctrl-C' },
}

/** Options of the startup gate, its mode apart. */
export const GATE: Readonly<Record<string, OptionSpec>> = {
  'recovery-mode': RECOVERY_MODE,
  ...RECOVERY,
  'allow-new': { kind: 'flag', describe: 'A store that does not exist yet may start' },
  full: {
    kind: 'flag',
    describe: 'Verify every byte: the default, unless the configuration says otherwise',
  },
  'since-clean': {
    kind: 'flag',
    describe: 'Verify what came since the last clean close, if all was verified not long ago',
  },
  'max-verified-age': {
    kind: 'value',
    value: 'TIME',
    reads: 'duration',
    describe: 'How long ago that may be for --since-clean (default 24h); else all is verified',
  },
  'time-budget': {
    kind: 'value',
    value: 'TIME',
    reads: 'duration',
    describe: 'Refuse if the check takes longer, such as 30s',
  },
}
