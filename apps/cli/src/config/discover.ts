import { existsSync, realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { PapyraError } from '@papyra/contracts'
import type { Io } from '../io.js'

/** In the order in which they are taken where several stand side by side. */
export const CONFIG_NAMES = ['papyra.config.ts', 'papyra.config.js', 'papyra.config.json'] as const

/** A configuration file, and how it was come by. */
export interface ConfigFile {
  /** Absolute. */
  readonly path: string
  readonly foundBy: '--config' | 'PAPYRA_CONFIG' | 'discovery'
  /**
   * True if only the caller or root can have written it: it was named, or nobody else may write it
   * or its folder. Code is never run from, or by the word of, an untrusted one.
   */
  readonly trusted: boolean
  /** Files of the other names in the same folder, which are not used. */
  readonly ignored: readonly string[]
}

/**
 * Finds the configuration: the one named by `flag`, `PAPYRA_CONFIG`, then a `papyra.config.*` from
 * the working directory upwards to the repository's root, in `$XDG_CONFIG_HOME/papyra/`, in
 * `/etc/papyra/`. `null` if there is none. Refuses with `invalid_config` a named file that is not
 * there, and a discovered one that might hold somebody else's code.
 */
export function findConfig(io: Io, flag: string | undefined): ConfigFile | null {
  if (flag !== undefined) return namedConfig(io, flag, '--config')
  const named = io.env['PAPYRA_CONFIG']
  if (named !== undefined && named !== '') return namedConfig(io, named, 'PAPYRA_CONFIG')
  for (const { folder, strict } of searchFolders(io)) {
    const [name, ...others] = CONFIG_NAMES.filter((one) => existsSync(join(folder, one)))
    if (name === undefined) continue
    return discoveredConfig(io, join(folder, name), strict, others)
  }
  return null
}

function namedConfig(io: Io, name: string, foundBy: '--config' | 'PAPYRA_CONFIG'): ConfigFile {
  const path = resolve(io.cwd, name)
  if (!existsSync(path)) {
    throw new PapyraError('invalid_config', `${foundBy} names ${path}, which does not exist.`, {
      hint: 'Correct the path, or write a configuration with `papyra init`.',
      details: { path },
    })
  }
  return { path, foundBy, trusted: true, ignored: [] }
}

interface SearchFolder {
  readonly folder: string
  /** Above the working directory and in no repository: a stranger's folder may be among these. */
  readonly strict: boolean
}

function searchFolders({ cwd, env, etc }: Io): SearchFolder[] {
  const upwards = foldersUpwards(cwd)
  const root = upwards.findIndex((folder) => existsSync(join(folder, '.git')))
  const reached = root < 0 ? upwards : upwards.slice(0, root + 1)
  const folders = reached.map((folder, index) => ({ folder, strict: root < 0 && index > 0 }))
  const home = userConfigFolder(env)
  if (home !== null) folders.push({ folder: join(home, 'papyra'), strict: false })
  folders.push({ folder: join(etc, 'papyra'), strict: false })
  return folders
}

function foldersUpwards(from: string): string[] {
  const folders = [resolve(from)]
  for (let folder = resolve(from); dirname(folder) !== folder; folder = dirname(folder)) {
    folders.push(dirname(folder))
  }
  return folders
}

/** The XDG rule: an absolute path, else `.config` in the home directory. */
function userConfigFolder(env: Io['env']): string | null {
  const stated = env['XDG_CONFIG_HOME']
  if (stated !== undefined && isAbsolute(stated)) return stated
  const home = env['HOME']
  return home !== undefined && isAbsolute(home) ? join(home, '.config') : null
}

function discoveredConfig(
  io: Io,
  path: string,
  strict: boolean,
  others: readonly string[],
): ConfigFile {
  const problem = foreignHand(io, path)
  const isCode = !path.endsWith('.json')
  if (problem !== null && (isCode || strict)) {
    const place = { path }
    throw new PapyraError('invalid_config', `${path} is not used: ${problem}.`, {
      hint: isCode
        ? 'Make it and its folder writable by their owner alone (chmod go-w), write the configuration as papyra.config.json, which runs no code, or name the file with --config.'
        : 'It is outside of any repository. Name it with --config if it is meant.',
      details: place,
    })
  }
  return { path, foundBy: 'discovery', trusted: problem === null, ignored: others }
}

/** Why somebody else may have written the file or what lies beside it; `null` if nobody may. */
function foreignHand({ uid }: Io, path: string): string | null {
  const real = realpathSync(path)
  const places = [...new Set([dirname(path), dirname(real), real])]
  for (const place of places) {
    const { uid: owner, mode } = statSync(place)
    if (uid !== null && owner !== uid && owner !== 0) return `${place} belongs to another user`
    if (uid !== null && (mode & 0o022) !== 0) return `others may write ${place}`
  }
  return null
}
