import { existsSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isPapyraError, PapyraError, type BackendDefinition } from '@papyra/contracts'
import { memoryBackend, type BackendChoice } from '@papyra/core'

/** A backend with a short name: its package, what makes it, and which options are paths. */
interface ShortName {
  readonly package: string
  readonly factory: string
  readonly paths: readonly string[]
  /** What else has to be installed. */
  readonly peers: readonly string[]
}

const SHORT_NAMES: Readonly<Record<string, ShortName>> = {
  json: { package: '@papyra/backend-json', factory: 'jsonBackend', paths: ['path'], peers: [] },
  rotation: {
    package: '@papyra/backend-rotation',
    factory: 'rotationBackend',
    paths: ['dir'],
    peers: [],
  },
  redis: {
    package: '@papyra/backend-redis',
    factory: 'redisBackend',
    paths: [],
    peers: ['ioredis'],
  },
}

/** What the module of any other backend exports. */
const FACTORY = 'papyraBackend'

/** The options of the backend that the command carries, for the check of the configuration. */
export const backendOptions: { readonly [use: string]: readonly string[] } = {
  json: ['path', 'ack', 'maxRecordBytes', 'maxWaitingBytes'],
  rotation: [
    'dir',
    'ack',
    'maxRecordBytes',
    'maxWaitingBytes',
    'segment.maxBytes',
    'segment.maxAgeSeconds',
    'segment.maxRecords',
  ],
}

/** What a bare path is: a folder, or what ends like one, is a store of segments, else one log. */
export function backendAt(cwd: string, path: string): BackendChoice {
  const place = resolve(cwd, path)
  return path.endsWith('/') || isFolder(place)
    ? { use: 'rotation', options: { dir: place } }
    : { use: 'json', options: { path: place } }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    // What is wrong with the place, the backend says.
    return false
  }
}

/** Where a backend is named, and whether code may be taken from there. */
export interface BackendPlace {
  /** Folder of the configuration, or the working directory. */
  readonly folder: string
  readonly trusted: boolean
  /** The flag, variable or file that names it. */
  readonly origin: string
}

/**
 * Makes the definition of the backend that a configuration names. Its package is looked for from the
 * configuration's folder, then from the command's own. `backend_not_installed` (69) if it is nowhere.
 */
export async function loadBackend(
  choice: BackendChoice,
  place: BackendPlace,
): Promise<BackendDefinition> {
  if (choice.use === 'memory') return memoryBackend(choice.options)
  const short = Object.hasOwn(SHORT_NAMES, choice.use) ? SHORT_NAMES[choice.use] : undefined
  if (short === undefined && !place.trusted) {
    throw new PapyraError(
      'invalid_config',
      `The backend ${choice.use} is not loaded: others may write the configuration that names it.`,
      {
        hint: 'Make the file and its folder writable by their owner alone (chmod go-w), or name the file with --config.',
      },
    )
  }
  const name = short?.package ?? choice.use
  const module = await loadModule(name, place, short?.peers ?? [])
  const factory = module[short?.factory ?? FACTORY]
  if (typeof factory !== 'function') {
    throw new PapyraError(
      'invalid_config',
      `${name} exports no function ${short?.factory ?? FACTORY}, so it is no backend for this command.`,
    )
  }
  const options = { ...choice.options }
  for (const key of short?.paths ?? []) {
    const path = options[key]
    if (typeof path === 'string') options[key] = resolve(place.folder, path)
  }
  return definitionFrom(name, place, () => factory(options, { folder: place.folder }))
}

function definitionFrom(name: string, place: BackendPlace, make: () => unknown): BackendDefinition {
  let made: unknown
  try {
    made = make()
  } catch (error) {
    if (isPapyraError(error) && (error.code !== 'invalid_argument' || place.origin === '--path'))
      throw error
    const problem = error instanceof Error ? error.message : String(error)
    throw new PapyraError('invalid_config', `${place.origin}: ${problem}`, { cause: error })
  }
  if (
    typeof made === 'object' &&
    made !== null &&
    'open' in made &&
    'location' in made &&
    'capabilities' in made
  ) {
    return made as BackendDefinition
  }
  throw new PapyraError('invalid_config', `What ${name} makes is not the definition of a backend.`)
}

type Module = Readonly<Record<string, unknown>>

async function loadModule(
  name: string,
  place: BackendPlace,
  peers: readonly string[],
): Promise<Module> {
  const there = place.trusted ? resolveFrom(place.folder, name) : null
  try {
    if (there !== null) return (await import(pathToFileURL(there).href)) as Module
    return await importOwn(name)
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw new PapyraError(
      'backend_not_installed',
      `The backend ${name} cannot be loaded: ${problem}.`,
      {
        hint: `Install it with \`npm install ${[name, ...peers].join(' ')}\`, beside the configuration or where papyra is installed.`,
        cause,
      },
    )
  }
}

async function importOwn(name: string): Promise<Module> {
  if (name === '@papyra/backend-json') return import('@papyra/backend-json')
  if (name === '@papyra/backend-rotation') return import('@papyra/backend-rotation')
  if (name.startsWith('.')) throw new Error(`there is no such file in the configuration's folder`)
  return (await import(name)) as Module
}

/** The file that `import` of `name` would load in `folder`; `null` if there is none. */
function resolveFrom(folder: string, name: string): string | null {
  if (name.startsWith('.') || name.startsWith('/')) {
    const file = resolve(folder, name)
    return existsSync(file) ? file : null
  }
  try {
    return createRequire(join(folder, 'papyra.config.json')).resolve(name)
  } catch (error) {
    const { code } = error as { code?: string }
    // Packages for `import` alone are no entries for require.resolve.
    return code === 'ERR_PACKAGE_PATH_NOT_EXPORTED' ? importEntry(folder, name) : null
  }
}

function importEntry(folder: string, name: string): string | null {
  for (let at = folder; ; at = dirname(at)) {
    const root = join(at, 'node_modules', name)
    if (existsSync(join(root, 'package.json'))) {
      const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
      const entry = entryOf((manifest as { exports?: unknown }).exports)
      return entry === null ? null : join(root, entry)
    }
    if (dirname(at) === at) return null
  }
}

function entryOf(exported: unknown): string | null {
  if (typeof exported === 'string') return exported
  if (typeof exported !== 'object' || exported === null) return null
  const conditions = exported as Readonly<Record<string, unknown>>
  return entryOf(
    conditions['.'] ?? conditions['node'] ?? conditions['import'] ?? conditions['default'],
  )
}
