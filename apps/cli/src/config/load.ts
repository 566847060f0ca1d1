import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isPapyraError, PapyraError } from '@papyra/contracts'
import { parseConfig, type PapyraConfig } from '@papyra/core'
import { backendOptions } from '../backends.js'
import type { ConfigFile } from './discover.js'

/** Reads and checks a configuration file. `invalid_config` names the file and the place in it. */
export async function loadConfig({ path }: ConfigFile): Promise<PapyraConfig> {
  return parseConfig(await readConfig(path), path, { backendOptions })
}

async function readConfig(path: string): Promise<unknown> {
  try {
    if (path.endsWith('.json')) return parseJson(await readFile(path, 'utf8'))
    return await inFolder(dirname(path), () =>
      /\.[cm]?ts$/.test(path) ? importTypeScript(path) : importJavaScript(path),
    )
  } catch (error) {
    if (isPapyraError(error)) throw error
    const problem = error instanceof Error ? error.message : String(error)
    throw new PapyraError('invalid_config', `${path} cannot be read: ${problem}.`, {
      cause: error,
      details: { path },
    })
  }
}

function parseJson(text: string): unknown {
  // An editor may have put a byte order mark in front.
  return JSON.parse(text.replace(/^\uFEFF/, ''))
}

async function importJavaScript(path: string): Promise<unknown> {
  const module = (await import(pathToFileURL(path).href)) as { default?: unknown }
  return module.default
}

/** Loaded only here: the transformer takes a quarter of a second. Nothing is cached on disk. */
async function importTypeScript(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti')
  const jiti = createJiti(path, { fsCache: false, interopDefault: true, alias: ownPackages(path) })
  return jiti.import(path, { default: true })
}

/** Packages of ours that the configuration's own folder does not have are taken from the command's. */
function ownPackages(path: string): Record<string, string> {
  const there = createRequire(path)
  const here = createRequire(import.meta.url)
  const found: Record<string, string> = {}
  for (const name of ['@papyra/core', '@papyra/backend-json', '@papyra/backend-rotation']) {
    if (resolved(there, name) !== null) continue
    const own = resolved(here, name)
    if (own !== null) found[name] = own
  }
  return found
}

function resolved(require: NodeJS.Require, name: string): string | null {
  try {
    return require.resolve(name)
  } catch {
    return null
  }
}

/** Relative paths that the code of a configuration hands to a backend are relative to its folder. */
async function inFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const before = process.cwd()
  process.chdir(folder)
  try {
    return await work()
  } finally {
    process.chdir(before)
  }
}
