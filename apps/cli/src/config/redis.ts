import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { PapyraError } from '@papyra/contracts'
import type { Args } from '../args/args.js'
import type { ChosenBackend } from './chosen.js'
import type { EnvironmentSettings } from './environment.js'

interface Sources {
  readonly args: Args
  readonly cwd: string
  readonly uid: number | null
  readonly environment: EnvironmentSettings
  /** Of a configuration file, if one is in force. */
  readonly systemId: string | undefined
}

interface Named {
  readonly url: string
  readonly origin: string
}

const HINT =
  'Put the URL into the environment (PAPYRA_REDIS_URL), or into a file that only its owner may read (--redis-url-file).'

/** The Redis store that flags name; `null` if none does. */
export function redisByFlags(sources: Sources): ChosenBackend | null {
  const { args } = sources
  const [flag, file] = [args.text('redis-url'), args.text('redis-url-file')]
  if (flag !== undefined && file !== undefined) {
    throw new PapyraError('invalid_argument', 'Give --redis-url or --redis-url-file, not both.')
  }
  if (file !== undefined) return chosen(sources, urlInFile(sources, file))
  return flag === undefined
    ? null
    : chosen(sources, { url: withoutSecret(flag, '--redis-url'), origin: '--redis-url' })
}

/** The one that the environment names; `null` if it names none. */
export function redisByEnvironment(sources: Sources): ChosenBackend | null {
  const url = sources.environment.redisUrl
  return url === undefined ? null : chosen(sources, { url, origin: 'PAPYRA_REDIS_URL' })
}

/** Refuses a URL that is given as a path. */
export function refuseUrlAsPath(path: string): void {
  if (!/^rediss?:\/\//i.test(path)) return
  throw new PapyraError(
    'invalid_argument',
    '--path is a file or a folder, not the URL of a server.',
    {
      hint: HINT,
    },
  )
}

/** What stands in a command line others see in the list of processes, and the shell keeps it. */
function withoutSecret(url: string, flag: string): string {
  let parsed: URL | null = null
  try {
    parsed = new URL(url)
  } catch {
    // The backend says what is wrong with it.
  }
  const secret = parsed === null ? url.includes('@') : parsed.password !== ''
  if (!secret) return url
  const text = `${flag} holds a password: others see it in the list of processes, and the shell keeps it in its history.`
  throw new PapyraError('invalid_argument', text, { hint: HINT })
}

function urlInFile({ cwd, uid }: Sources, file: string): Named {
  const path = resolve(cwd, file)
  let text: string
  let mode: number
  let owner: number
  try {
    const stat = statSync(path)
    ;({ mode, uid: owner } = stat)
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new PapyraError('invalid_config', `${path} cannot be read (${code}).`, {
      details: { path },
    })
  }
  const open = (mode & 0o077) !== 0 || (uid !== null && owner !== uid && owner !== 0)
  if (open && uid !== null) {
    throw new PapyraError('invalid_config', `Others may read ${path}, which holds a password.`, {
      hint: `chmod 600 ${path}`,
      details: { path },
    })
  }
  const url = text.trim()
  if (url === '' || /\s/.test(url)) {
    throw new PapyraError('invalid_config', `${path} must hold one URL and nothing else.`, {
      details: { path },
    })
  }
  return { url, origin: `--redis-url-file ${path}` }
}

function chosen(sources: Sources, { url, origin }: Named): ChosenBackend {
  const { args, cwd, environment, systemId } = sources
  const system = args.text('system') ?? environment.system ?? systemId
  if (system === undefined) {
    throw new PapyraError('invalid_argument', 'A Redis server holds many stores: say which.', {
      hint: 'Name it with --system or PAPYRA_SYSTEM.',
    })
  }
  const prefix = args.text('redis-prefix') ?? environment.redisPrefix
  const options = { url, system, ...(prefix === undefined ? {} : { prefix }) }
  return { choice: { use: 'redis', options }, folder: cwd, trusted: false, origin }
}
