import { randomUUID } from 'node:crypto'
import {
  PapyraError,
  systemClock,
  type Backend,
  type BackendDefinition,
  type OpenOptions,
} from '@papyra/contracts'
import { CAPABILITIES } from './capabilities.js'
import type { Connection } from './connection.js'
import { list, seedOf, text } from './entry.js'
import { newMeta, readMeta } from './meta.js'
import type { RedisBackendOptions } from './options.js'
import { connectionTo, locationOf, placeOf, type Place } from './place.js'
import { RedisBackend } from './redis-backend.js'
import { findRemains, identityOf, Remains } from './remains.js'
import { failureOf } from './redis-errors.js'
import { NAME } from './scan.js'
import { createScript } from './scripts/create.js'
import { Store, type Identity } from './store.js'

/**
 * A store on a Redis server (7.0 or later), in streams. Checks its options and connects to nothing.
 * Throws `invalid_argument`.
 *
 * @example
 * const backend = await redisBackend({ url: 'redis://127.0.0.1:6379', system: 'shop' }).open({ access: 'read' })
 */
export function redisBackend(options: RedisBackendOptions): BackendDefinition {
  const place = placeOf(options)
  const { settings } = place
  return {
    name: NAME,
    location: locationOf(place),
    capabilities: CAPABILITIES,
    open: (how) => open(place, how),
    async create() {
      const connection = connectionTo(place)
      try {
        await requireVersion(connection)
        return { logId: await create(place, connection, settings.clock?.now() ?? Date.now()) }
      } finally {
        connection.close()
      }
    },
  }
}

async function open(place: Place, how: OpenOptions): Promise<Backend> {
  const { settings, keys } = place
  const clock = how.clock ?? settings.clock ?? systemClock
  const connection = connectionTo(place)
  const { location } = connection
  try {
    await requireVersion(connection)
    const meta = readMeta(await connection.ask('HGETALL', keys.meta), location)
    const mayCreate = how.access === 'write' && how.create === 'if-missing'
    const lost = meta === null && !mayCreate
    const remains =
      lost && how.access === 'write' ? await findRemains(connection, keys, clock.now()) : null
    if (lost && remains === null) throw await notFound(place, connection)
    const { logId, seed } =
      remains ??
      (meta === null ? await createOrFind(place, connection, clock.now()) : identityOf(meta))
    if (remains === null && how.expectLogId !== undefined && how.expectLogId !== logId) {
      const details = { location, logId, expectLogId: how.expectLogId }
      const text = `The log at ${location} is ${logId}, but ${how.expectLogId} is expected.`
      throw new PapyraError('wrong_log', text, { details })
    }
    const { consumerAliveMs } = settings
    const store =
      remains === null
        ? new Store(connection, keys, clock, { logId, seed, consumerAliveMs })
        : new Remains(connection, keys, clock, { ...remains, consumerAliveMs })
    return new RedisBackend(store, {
      ...{ access: how.access, settings, appends: connectionTo(place) },
      // Loaded only for drills: it starts processes.
      scratch: async (source, options) =>
        (await import('./scratch.js')).scratchStore(source, options, redisBackend),
    })
  } catch (error) {
    connection.close()
    throw error
  }
}

/** Redis 7.0 is the first that tells what was deleted from a stream. */
async function requireVersion(connection: Connection): Promise<void> {
  let info = ''
  try {
    info = text(await connection.ask('INFO', 'server'))
  } catch (error) {
    // Managed servers may forbid it; then what is missing shows when it is needed.
    const failure = failureOf(error)
    if (failure?.reason !== 'NOPERM' && failure?.reason !== 'ERR') throw error
  }
  const version = /^redis_version:(\d+)\.[\d.]+/m.exec(info)
  if (version === null || Number(version[1]) >= 7) return
  const { location } = connection
  const words = `The server at ${location} is Redis ${version[0].slice(14)}; 7.0 or later is needed.`
  throw new PapyraError('backend_unsuitable', words, { details: { location } })
}

async function createOrFind(place: Place, connection: Connection, now: number): Promise<Identity> {
  try {
    const logId = await create(place, connection, now)
    return { logId, seed: seedOf(logId) }
  } catch (error) {
    // Another process made it in the meantime.
    if (!(error instanceof PapyraError && error.code === 'store_exists')) throw error
    const reply = await connection.ask('HGETALL', place.keys.meta)
    const found = readMeta(reply, connection.location)
    if (found === null) throw error
    return identityOf(found)
  }
}

async function create({ keys }: Place, connection: Connection, now: number): Promise<string> {
  const logId = randomUUID()
  const names = [keys.meta, keys.writers, ...keys.streams]
  const [status, at] = list(await connection.run(createScript, names, newMeta(logId, now)))
  if (text(status) === 'made') return logId
  const { location } = connection
  if (text(status) === 'exists') {
    const details = { location }
    throw new PapyraError('store_exists', `There is a store at ${location} already.`, { details })
  }
  const path = names[Number(at) - 1] ?? keys.tag
  throw new PapyraError('backend_key_conflict', `There is a key ${path}, but no store.`, {
    hint: 'If it is the rest of a store, bring its `:meta` back, or rebuild it with `papyra persistence recover --accept-loss`. Else use another prefix or system.',
    details: { location, path },
  })
}

async function notFound({ keys }: Place, connection: Connection): Promise<PapyraError> {
  const { location } = connection
  const left = Number(await connection.ask('EXISTS', ...keys.streams))
  const text = `There is no store at ${location}.`
  const hint =
    left > 0
      ? 'Streams of a store are there, but its `:meta` is gone: look for what deleted it, and bring it back; else `papyra persistence recover --accept-loss` rebuilds it from them.'
      : 'Check the server, the database, the prefix and the system, or create it.'
  return new PapyraError('store_not_found', text, { hint, details: { location, streams: left } })
}
