import { Connection } from './connection.js'
import { keysOf, type Keys } from './keys.js'
import type { Route } from './route.js'
import { routeOf } from './routes/route-of.js'
import { checkOptions, type RedisBackendOptions, type Settings } from './options.js'

/** Which store is meant, and how to reach it. */
export interface Place {
  readonly settings: Settings
  readonly route: Route
  readonly keys: Keys
}

/** Checks the options. Throws `invalid_argument`. */
export function placeOf(options: RedisBackendOptions): Place {
  const settings = checkOptions(options)
  return {
    settings,
    route: routeOf(options, settings.commandTimeoutMs),
    keys: keysOf(settings.prefix, settings.system),
  }
}

export function locationOf({ route, keys }: Place): string {
  return `${route.url}/${keys.tag}`
}

/** A connection that is made when it is needed. */
export function connectionTo(place: Place): Connection {
  return new Connection({
    location: locationOf(place),
    route: place.route,
    key: place.keys.meta,
    commandTimeoutMs: place.settings.commandTimeoutMs,
    failoverTimeoutMs: place.settings.failoverTimeoutMs,
  })
}
