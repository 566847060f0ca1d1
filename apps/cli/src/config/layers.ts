import { dirname, resolve } from 'node:path'
import type { RetentionPolicy } from '@papyra/contracts'
import type { PapyraConfig } from '@papyra/core'
import type { Io } from '../io.js'
import type { ConfigFile } from './discover.js'
import { VARIABLES, type EnvironmentSettings } from './environment.js'
import type { Setting, Settings } from './settings.js'

/** A configuration file that was read; `null` if none is in force. */
export type LoadedConfig = { readonly file: ConfigFile; readonly config: PapyraConfig } | null

export interface LayeredSettings {
  readonly settings: Settings
  /** Where the values came from, those of `retention` limit by limit. */
  readonly origins: readonly Setting[]
  readonly retentionOrigin: string | null
}

/** One value of several layers: the first that states it wins. */
interface Layer<T> {
  readonly value: T | undefined
  readonly origin: string
}

/** Notes where each value comes from while the layers are put together. */
class Picker {
  readonly origins: Setting[] = []
  readonly #loaded: LoadedConfig

  constructor(loaded: LoadedConfig) {
    this.#loaded = loaded
  }

  env<T>(key: keyof EnvironmentSettings, value: T | undefined): Layer<T> {
    return { value, origin: VARIABLES[key] }
  }

  file<T>(value: T | undefined): Layer<T> {
    return { value, origin: this.#loaded?.file.path ?? '' }
  }

  pick<T, D>(key: string, layers: readonly Layer<T>[], fallback: D): T | D {
    const found = layers.find(({ value }) => value !== undefined)
    const value = found?.value ?? fallback
    this.origins.push({ key, value: value ?? null, origin: found?.origin ?? 'default' })
    return value
  }
}

/** The environment over the file over the defaults. Flags come on top where commands have them. */
export function layerSettings(
  io: Io,
  environment: EnvironmentSettings,
  loaded: LoadedConfig,
): LayeredSettings {
  const picker = new Picker(loaded)
  const settings = {
    ...layerStartup(io, environment, loaded, picker),
    ...layerOpening(io, environment, loaded, picker),
  }
  const retention = layerRetention(environment, loaded)
  return {
    settings: { ...settings, retention: retention.policy },
    origins: [...picker.origins, ...retention.origins],
    retentionOrigin: retention.origin,
  }
}

type Startup = Pick<
  Settings,
  | 'mode'
  | 'recoveryMode'
  | 'quarantineDir'
  | 'acceptLoss'
  | 'force'
  | 'depth'
  | 'maxVerifiedAgeMs'
  | 'timeBudgetMs'
>

function layerStartup(
  io: Io,
  env: EnvironmentSettings,
  loaded: LoadedConfig,
  picker: Picker,
): Startup {
  const { startup = {}, quarantineDir: common } = loaded?.config ?? {}
  const { mode, recovery = {}, acceptLoss, force, depth, timeBudgetMs } = startup
  const within = (folder: string, path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(folder, path)
  const configured = within(dirname(loaded?.file.path ?? ''), recovery.quarantineDir ?? common)
  return {
    mode: picker.pick(
      'startup.mode',
      [picker.env('mode', env.mode), picker.file(mode)],
      'fail_on_anomaly',
    ),
    recoveryMode: picker.pick(
      'startup.recovery.mode',
      [picker.env('recoveryMode', env.recoveryMode), picker.file(recovery.mode)],
      'repair',
    ),
    quarantineDir: picker.pick(
      'startup.recovery.quarantineDir',
      [picker.env('quarantineDir', within(io.cwd, env.quarantineDir)), picker.file(configured)],
      undefined,
    ),
    acceptLoss: picker.pick('startup.acceptLoss', [picker.file(acceptLoss)], false),
    force: picker.pick('startup.force', [picker.file(force)], false),
    depth: picker.pick('startup.depth', [picker.file(depth)], 'full'),
    maxVerifiedAgeMs: picker.pick(
      'startup.maxVerifiedAgeMs',
      [picker.file(startup.maxVerifiedAgeMs)],
      undefined,
    ),
    timeBudgetMs: picker.pick(
      'startup.timeBudgetMs',
      [picker.env('timeBudgetMs', env.timeBudgetMs), picker.file(timeBudgetMs)],
      undefined,
    ),
  }
}

type Opening = Pick<Settings, 'environment' | 'waitLockMs' | 'expectLogId'>

function layerOpening(
  io: Io,
  env: EnvironmentSettings,
  loaded: LoadedConfig,
  picker: Picker,
): Opening {
  const { environment, waitLockMs, expectLogId } = loaded?.config ?? {}
  const node = { value: io.env['NODE_ENV'] || undefined, origin: 'NODE_ENV' }
  const layers = [picker.env('environment', env.environment), picker.file(environment), node]
  return {
    environment: picker.pick('environment', layers, 'development').toLowerCase(),
    waitLockMs: picker.pick(
      'waitLockMs',
      [picker.env('waitLockMs', env.waitLockMs), picker.file(waitLockMs)],
      undefined,
    ),
    expectLogId: picker.pick(
      'expectLogId',
      [picker.env('expectLogId', env.expectLogId), picker.file(expectLogId)],
      undefined,
    ),
  }
}

const LIMITS = ['maxRecords', 'maxAgeSeconds', 'maxTotalBytes'] as const

interface LayeredRetention {
  readonly policy: RetentionPolicy | null
  readonly origins: readonly Setting[]
  readonly origin: string | null
}

/** Limit by limit; limits for a kind come from the file alone. */
function layerRetention(environment: EnvironmentSettings, loaded: LoadedConfig): LayeredRetention {
  const stated = loaded?.config.retention
  const path = loaded?.file.path ?? ''
  const origins: Setting[] = []
  for (const name of LIMITS) {
    if (environment[name] !== undefined) {
      origins.push({ key: `retention.${name}`, value: environment[name], origin: VARIABLES[name] })
    } else if (stated?.[name] !== undefined) {
      origins.push({ key: `retention.${name}`, value: stated[name], origin: path })
    }
  }
  const limits = Object.fromEntries(
    origins.map(({ key, value }) => [key.slice('retention.'.length), value]),
  )
  const perKind = stated?.perKind
  if (perKind !== undefined)
    origins.push({ key: 'retention.perKind', value: perKind, origin: path })
  if (origins.length === 0) {
    return {
      policy: null,
      origins: [{ key: 'retention', value: null, origin: 'default' }],
      origin: null,
    }
  }
  return {
    policy: { ...limits, ...(perKind === undefined ? {} : { perKind }) },
    origins,
    origin: [...new Set(origins.map(({ origin }) => origin))].join(' and '),
  }
}
