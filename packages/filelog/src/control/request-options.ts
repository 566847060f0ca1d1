import {
  PapyraError,
  type CompactOptions,
  type JsonValue,
  type RetentionPolicy,
  type ScanOptions,
} from '@papyra/contracts'

type JsonObject = { readonly [key: string]: JsonValue }
type Test = (value: JsonValue) => boolean

const isFlag: Test = (value) => typeof value === 'boolean'
const isPositive: Test = (value) => typeof value === 'number' && value > 0
const isCount: Test = (value) => Number.isSafeInteger(value) && (value as number) >= 0

/** What a client may ask of a compaction. Who asked, the owner knows by itself. */
const COMPACT: Readonly<Record<string, Test>> = {
  // What is in a policy, the backend checks.
  policy: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  dryRun: isFlag,
  plan: (value) => typeof value === 'string',
  force: isFlag,
  bytesPerSecond: isPositive,
}

const SCAN: Readonly<Record<string, Test>> = {
  coverage: (value) => value === 'full' || value === 'auto',
  maxVerifiedAgeMs: (value) => typeof value === 'number' && value >= 0,
  maxAnomalies: isCount,
  bytesPerSecond: isPositive,
}

function check(options: JsonObject, known: Readonly<Record<string, Test>>): void {
  for (const [key, value] of Object.entries(options)) {
    const test = Object.hasOwn(known, key) ? known[key] : undefined
    if (test?.(value) === true) continue
    const what = test === undefined ? 'There is no such option' : 'This option has no usable value'
    throw new PapyraError('invalid_argument', `${what}: ${JSON.stringify(key)}.`)
  }
}

/** The options of a compaction as they came over the socket. Throws `invalid_argument`. */
export function readCompactOptions(options: JsonObject): CompactOptions {
  check(options, COMPACT)
  return { ...(options as { policy?: RetentionPolicy }), trigger: 'control' }
}

/** The options of a scan as they came over the socket. Throws `invalid_argument`. */
export function readScanOptions(options: JsonObject): ScanOptions {
  check(options, SCAN)
  return options as ScanOptions
}

/** What of the options of a compaction goes over the socket. */
export function compactOptionsToSend(options: CompactOptions): object {
  return picked(options, COMPACT)
}

/** What of the options of a scan goes over the socket. */
export function scanOptionsToSend(options: ScanOptions): object {
  return picked(options, SCAN)
}

function picked(options: object, known: Readonly<Record<string, Test>>): object {
  const entries = Object.entries(options)
  return Object.fromEntries(entries.filter(([key, value]) => key in known && value !== undefined))
}
