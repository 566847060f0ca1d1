import { dirname } from 'node:path'
import { PapyraError, type BackendDefinition } from '@papyra/contracts'
import { backendAt, loadBackend } from '../backends.js'
import type { Context } from '../context.js'
import type { ChosenBackend } from './chosen.js'
import { findConfig } from './discover.js'
import { readEnvironment, type EnvironmentSettings } from './environment.js'
import { layerSettings, type LayeredSettings, type LoadedConfig } from './layers.js'
import { loadConfig } from './load.js'
import { redisByEnvironment, redisByFlags, refuseUrlAsPath } from './redis.js'
import type { Setting } from './settings.js'

/** The configuration in force for a command. */
export interface Configuration extends LayeredSettings {
  readonly loaded: LoadedConfig
  /** `null` if nothing names a store. */
  readonly backend: ChosenBackend | null
}

/**
 * Flags over environment over file. With `--path` alone no file is looked for: what is configured
 * for one store must not be applied to another.
 */
export async function readConfiguration({ args, io, out }: Context): Promise<Configuration> {
  const path = args.text('path')
  const named = args.text('config')
  const server = args.text('redis-url') ?? args.text('redis-url-file')
  if (path !== undefined && server !== undefined) {
    const text = 'Give --path or --redis-url, not both: they name two stores.'
    throw new PapyraError('invalid_argument', text)
  }
  const byFlag = path ?? server
  const file = byFlag !== undefined && named === undefined ? null : findConfig(io, named)
  const environment = readEnvironment(io.env)
  if (file !== null && file.ignored.length > 0) {
    await out.warn(`${file.path} is used; beside it these are not: ${file.ignored.join(', ')}`)
  }
  const loaded = file === null ? null : { file, config: await loadConfig(file) }
  return {
    ...layerSettings(io, environment, loaded),
    loaded,
    backend: chooseBackend({ path, args, cwd: io.cwd, uid: io.uid, environment, loaded }),
  }
}

interface Sources {
  readonly path: string | undefined
  readonly args: Context['args']
  readonly cwd: string
  readonly uid: number | null
  readonly environment: EnvironmentSettings
  readonly loaded: LoadedConfig
}

function chooseBackend(sources: Sources): ChosenBackend | null {
  const { path, cwd, environment, loaded } = sources
  const redis = { ...sources, systemId: loaded?.config.systemId }
  const server = redisByFlags(redis)
  if (server !== null) return server
  const file = path ?? environment.path
  if (file === undefined) {
    const named = redisByEnvironment(redis)
    if (named !== null) return named
  } else {
    refuseUrlAsPath(file)
    const origin = path === undefined ? 'PAPYRA_PATH' : '--path'
    return { choice: backendAt(cwd, file), folder: cwd, trusted: false, origin }
  }
  if (loaded?.config.backend === undefined) return null
  const { path: origin, trusted } = loaded.file
  return { choice: loaded.config.backend, folder: dirname(origin), trusted, origin }
}

/** The configuration and the definition of its backend. `config_missing` (78) if none is named. */
export async function resolveConfiguration(
  context: Context,
): Promise<Configuration & { readonly definition: BackendDefinition }> {
  const configuration = await readConfiguration(context)
  const { backend, loaded } = configuration
  if (backend === null) {
    const where =
      loaded === null
        ? 'No --path is given and no configuration was found'
        : `${loaded.file.path} names no backend`
    throw new PapyraError('config_missing', `${where}, so it is not known which store is meant.`)
  }
  const { choice } = backend
  const definition = 'use' in choice ? await loadBackend(choice, backend) : choice
  return { ...configuration, definition }
}

/** Where the backend of a configuration comes from, for `papyra config show`. */
export function backendSettings(backend: ChosenBackend | null): Setting[] {
  if (backend === null) return [{ key: 'backend', value: null, origin: 'default' }]
  const { choice, origin } = backend
  if (!('use' in choice))
    return [{ key: 'backend', value: `${choice.name} ${choice.location}`, origin }]
  return [
    { key: 'backend.use', value: choice.use, origin },
    ...Object.entries(choice.options).map(([name, value]) => ({
      key: `backend.${name}`,
      value,
      origin,
    })),
  ]
}
