import {
  PapyraError,
  type Backend,
  type BackendDefinition,
  type OpenOptions,
} from '@papyra/contracts'
import type { PapyraConfig } from '@papyra/core'
import { resolveConfiguration } from './config/resolve.js'
import { dirname, resolve } from 'node:path'
import type { Settings } from './config/settings.js'
import type { Context } from './context.js'
import { commandLine } from './output/shell.js'

/** Flags that say which store is meant. */
export const SELECTORS: readonly string[] = [
  'path',
  'config',
  'redis-url',
  'redis-url-file',
  'redis-prefix',
  'system',
]

/** The store that a command is about, not opened yet. */
export interface Store {
  readonly definition: BackendDefinition
  readonly settings: Settings
  /** Where the retention policy in `settings` comes from; `null` if there is none. */
  readonly retentionOrigin: string | null
  /** True if a configuration file is in force. */
  readonly configured: boolean
  /** What only the checklist asks of the configuration; absent without one. */
  readonly config: Pick<PapyraConfig, 'compaction' | 'scrub' | 'use' | 'waivers'>
  /** The folder of the reports of drills and gates, unless a flag names one. */
  readonly reports: string
  /** Another command on the same store, as it can be typed. */
  again(words: readonly string[]): string
}

/** Finds out which store is meant. `config_missing` (78) if nothing says so. */
export async function resolveStore(context: Context): Promise<Store> {
  const { definition, settings, retentionOrigin, loaded } = await resolveConfiguration(context)
  const { args } = context
  const selector = SELECTORS.flatMap((name) => {
    const value = args.text(name)
    return value === undefined ? [] : [`--${name}`, value]
  })
  return {
    definition,
    settings,
    retentionOrigin,
    configured: loaded !== null,
    config: loaded?.config ?? {},
    reports: resolve(
      loaded === null ? context.io.cwd : dirname(loaded.file.path),
      loaded?.config.reports ?? 'papyra-reports',
    ),
    again: (words) => commandLine(['papyra', ...words, ...selector]),
  }
}

/** Opens the store, does the work and closes it, whatever happens. */
export async function withBackend<T>(
  context: Context,
  store: Store,
  access: OpenOptions['access'],
  work: (backend: Backend) => Promise<T>,
): Promise<T> {
  const backend = await openStore(context, store, access)
  let result: T
  try {
    result = await work(backend)
  } catch (error) {
    // What went wrong first is what is told.
    await backend.close().catch(() => undefined)
    throw error
  }
  await backend.close()
  return result
}

async function openStore(
  { args, io }: Context,
  store: Store,
  access: OpenOptions['access'],
): Promise<Backend> {
  const waitLockMs = args.durationMs('wait-lock') ?? store.settings.waitLockMs
  const { expectLogId } = store.settings
  const opening = store.definition.open({
    access,
    create: 'never',
    clock: io.clock,
    ...(waitLockMs === undefined ? {} : { waitLockMs }),
    ...(expectLogId === undefined ? {} : { expectLogId }),
  })
  return unlessStopped(io.signal, opening)
}

/** Opening takes no abort signal: whoever is stopped while waiting for a lock does not wait on. */
async function unlessStopped(signal: AbortSignal, opening: Promise<Backend>): Promise<Backend> {
  let stop: (() => void) | undefined
  const stopped = new Promise<never>((_resolve, reject) => {
    stop = () =>
      reject(
        new PapyraError(
          'aborted',
          'Stopped while the store was being opened. Nothing was changed.',
        ),
      )
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
  })
  try {
    return await Promise.race([opening, stopped])
  } catch (error) {
    opening.then((backend) => backend.close()).catch(() => undefined)
    throw error
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop)
  }
}
