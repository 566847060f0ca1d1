import { serverOf, type Server } from './client.js'
import { Connection } from './connection.js'
import { keysOf, type Keys } from './keys.js'
import { checkOptions, type RedisBackendOptions, type Settings } from './options.js'

/** Which store is meant, and how to reach it. */
export interface Place {
  readonly settings: Settings
  readonly server: Server
  readonly keys: Keys
}

/** Checks the options. Throws `invalid_argument`. */
export function placeOf(options: RedisBackendOptions): Place {
  const settings = checkOptions(options)
  return {
    settings,
    server: serverOf(options, settings.commandTimeoutMs),
    keys: keysOf(settings.prefix, settings.system),
  }
}

export function locationOf({ server, keys }: Place): string {
  return `${server.url}/${keys.tag}`
}

/** A connection that is made when it is needed. */
export function connectionTo(place: Place): Connection {
  return new Connection({
    location: locationOf(place),
    makeClient: place.server.makeClient,
    commandTimeoutMs: place.settings.commandTimeoutMs,
  })
}
