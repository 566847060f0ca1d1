import {
  PapyraError,
  RECORD_KINDS,
  RECOVERY_MODES,
  STARTUP_MODES,
  type BackendDefinition,
} from '@papyra/contracts'
import { validatePolicy } from '@papyra/retention'
import { maintenanceTiming } from './config-maintenance.js'
import { intendedUse, waivers } from './config-checklist.js'
import {
  camelCase,
  flag,
  inside,
  invalid,
  isObject,
  members,
  milliseconds,
  object,
  oneOf,
  text,
  unknownKey,
  wholeNumber,
  type Read,
  type Shape,
} from './config-read.js'
import type { BackendChoice, PapyraConfig, PapyraConfigInput } from './config-types.js'
import { checkProductionRules } from './environment.js'
import type { StartupOptions } from './gate-types.js'
import { foldName } from './names.js'
import type { OpenPapyraOptions } from './open.js'
import { STARTUP_DEPTHS } from './startup-depth.js'

/** The backends that have a short name. */
const SHORT_NAMES = ['json', 'memory', 'rotation', 'redis'] as const

export interface ParseConfigOptions {
  /**
   * The options of backends by their name: for these, keys are accepted in snake_case too and
   * unknown ones refused. An option that is an object is named by its members: `segment.maxBytes`.
   * `memory` is known without being told. Of others the backend itself judges.
   */
  readonly backendOptions?: { readonly [use: string]: readonly string[] }
}

/** States a configuration with its types checked while it is written. Changes nothing. */
export function defineConfig(config: PapyraConfigInput): PapyraConfigInput {
  return config
}

/**
 * Checks a whole configuration and gives it back in one spelling: keys in camelCase (snake_case is
 * accepted too), enums in their own spelling whatever their case and separators. `where` names its
 * source in messages. Throws `invalid_config` (a policy: `invalid_policy`) naming the place, such as
 * `retention.maxRecord: unknown key; did you mean maxRecords?`.
 */
export function parseConfig(
  value: unknown,
  where: string,
  options: ParseConfigOptions = {},
): PapyraConfig {
  try {
    if (!isObject(value)) throw invalid('configuration', 'an object is needed')
    return members(value, '', { ...CONFIG, backend: backendReader(options) }) as PapyraConfig
  } catch (thrown) {
    throw thrown instanceof PapyraError ? located(thrown, where) : thrown
  }
}

/**
 * What `openPapyra` takes, from a checked configuration and the definition that its backend resolved
 * to. Throws `invalid_config` without a `systemId`, and what the rules for production refuse.
 */
export function configToOpenOptions(
  config: PapyraConfig,
  definition: BackendDefinition,
): OpenPapyraOptions {
  const { systemId, startup, quarantineDir, backend: _b, ...others } = config
  const { use: _u, waivers: _w, reports: _r, ...rest } = others
  if (systemId === undefined) throw invalid('systemId', 'missing: the name of the actor system')
  checkProductionRules({ ...rest, mode: startup?.mode ?? 'fail_on_anomaly' })
  return { ...rest, systemId, backend: definition, startup: startupOptions(startup, quarantineDir) }
}

function startupOptions(
  startup: PapyraConfig['startup'] = {},
  quarantineDir: string | undefined,
): StartupOptions {
  if (quarantineDir === undefined) return startup
  return { ...startup, recovery: { quarantineDir, ...startup.recovery } }
}

function located(error: PapyraError, where: string): PapyraError {
  const { code, message, hint, details, cause } = error
  return new PapyraError(code, `${where}: ${message}`, {
    hint,
    details: { ...details, where },
    cause,
  })
}

function nested(shape: Shape): Read<unknown> {
  return (value, place) => members(value, place, shape)
}

/** Functions and the like, which only a configuration in code can have. */
function asIs(wanted: string): Read<unknown> {
  return (value, place) => {
    if (isObject(value)) return value
    throw invalid(place, `${wanted} is needed`)
  }
}

const asGiven: Read<unknown> = (value) => value

const LIMITS: Shape = { maxRecords: asGiven, maxAgeSeconds: asGiven, maxTotalBytes: asGiven }

/** Spelling here, values in the retention package. */
const retention: Read<unknown> = (value, place) => {
  const kinds = Object.fromEntries(
    RECORD_KINDS.map((kind) => [camelCase(kind), nested(LIMITS)] as const),
  )
  const perKind: Read<unknown> = (given, at) => {
    const byKind = Object.entries(members(given, at, kinds))
    const stored = (name: string): string =>
      RECORD_KINDS.find((kind) => foldName(kind) === foldName(name)) ?? name
    return Object.fromEntries(byKind.map(([name, limits]) => [stored(name), limits]))
  }
  return validatePolicy(members(value, place, { ...LIMITS, perKind }))
}

const CONFIG: Shape = {
  systemId: text,
  environment: text,
  backend: object,
  startup: nested({
    mode: oneOf(STARTUP_MODES),
    recovery: nested({ mode: oneOf(RECOVERY_MODES), quarantineDir: text }),
    acceptLoss: flag,
    force: flag,
    depth: oneOf(STARTUP_DEPTHS),
    maxVerifiedAgeMs: milliseconds,
    timeBudgetMs: wholeNumber,
  }),
  retention,
  create: oneOf(['if-missing', 'never']),
  expectLogId: text,
  waitLockMs: milliseconds,
  upgrade: flag,
  quarantineDir: text,
  intake: nested({ capacity: wholeNumber, capacityBytes: wholeNumber, batch: wholeNumber }),
  compaction: maintenanceTiming,
  scrub: maintenanceTiming,
  use: intendedUse,
  waivers,
  reports: text,
  schemas: asIs('an object of validators'),
  hooks: asIs('an object of functions'),
  logger: asIs('a logger such as one of pino'),
  clock: asIs('a clock'),
}

const MEMORY_OPTIONS = ['maxRecordBytes', 'retention', 'logId', 'name']

function backendReader({ backendOptions = {} }: ParseConfigOptions): Read<unknown> {
  const known: { readonly [use: string]: readonly string[] } = {
    memory: MEMORY_OPTIONS,
    ...backendOptions,
  }
  return (value, place): BackendChoice | BackendDefinition => {
    const given = object(value, place)
    if (isDefinition(given)) return given
    const stated = text(given['use'], inside(place, 'use'))
    const use = SHORT_NAMES.find((name) => foldName(name) === foldName(stated)) ?? stated
    const allowed = Object.hasOwn(known, use) ? known[use] : undefined
    const options: Record<string, unknown> = {}
    for (const [from, at] of optionSources(given, place)) {
      for (const key of Object.keys(from))
        addOption(options, { key, at, value: from[key], allowed })
    }
    return { use, options }
  }
}

/** Options may stand beside `use`, or below `options`. */
function optionSources(
  given: { readonly [key: string]: unknown },
  place: string,
): readonly (readonly [{ readonly [key: string]: unknown }, string])[] {
  const beside = Object.entries(given).filter(([key]) => key !== 'use' && key !== 'options')
  const below =
    given['options'] === undefined ? {} : object(given['options'], inside(place, 'options'))
  return [
    [Object.fromEntries(beside), place],
    [below, inside(place, 'options')],
  ]
}

interface GivenOption {
  readonly key: string
  readonly at: string
  readonly value: unknown
  readonly allowed: readonly string[] | undefined
}

function addOption(
  options: Record<string, unknown>,
  { key, at, value, allowed }: GivenOption,
): void {
  const name = allowed === undefined ? key : camelCase(key)
  const tops = allowed?.map((one) => one.split('.')[0] ?? one)
  if (name === '__proto__' || (tops !== undefined && !tops.includes(name))) {
    throw unknownKey(at, key, [...new Set(tops)])
  }
  if (value === undefined) return
  if (Object.hasOwn(options, name)) throw invalid(inside(at, key), `\`${name}\` is given twice`)
  const inner = allowed?.filter((one) => one.startsWith(`${name}.`)) ?? []
  const shape = inner.map((one) => [one.slice(name.length + 1), asGiven] as const)
  options[name] =
    inner.length === 0 ? value : members(value, inside(at, key), Object.fromEntries(shape))
}

function isDefinition(value: object): value is BackendDefinition {
  return 'open' in value && typeof value.open === 'function' && 'location' in value
}
