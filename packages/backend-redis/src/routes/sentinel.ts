import { PapyraError } from '@papyra/contracts'
import { clientFor, type Access } from '../client.js'
import { list, text } from '../entry.js'
import { Link } from '../link.js'
import { failureOf, noMaster } from '../redis-errors.js'
import type { Route } from '../route.js'
import type { Address, RedisLike } from '../wire.js'
import { requireMaster } from './role.js'

export interface SentinelPlace {
  /** What the sentinels call the master. */
  readonly name: string
  readonly sentinels: readonly Address[]
  /** To the sentinels. */
  readonly access: Access
}

/**
 * The master that the sentinels name, asked for anew for each connection: the first that answers is
 * asked first the next time. What it names has to say itself that it is a master.
 */
export function sentinelRoute(
  { name, sentinels, access: toSentinels }: SentinelPlace,
  access: Access,
  connectTimeoutMs: number,
): Route {
  const url = `redis+sentinel://${encodeURIComponent(name)}/${access.db ?? 0}`
  let known: readonly Address[] = sentinels
  const at = (node: Address): RedisLike => clientFor(node, access, connectTimeoutMs)
  const limits = { location: url, timeoutMs: connectTimeoutMs }
  const ask = (sentinel: Address): Promise<Address | null> =>
    masterOf(name, clientFor(sentinel, toSentinels, connectTimeoutMs), limits)
  return {
    url,
    failsOver: true,
    clustered: false,
    async locate() {
      let refused: PapyraError | null = null
      let unheard = 0
      for (const sentinel of known) {
        try {
          const master = await ask(sentinel)
          if (master !== null) {
            known = [sentinel, ...known.filter((other) => other !== sentinel)]
            return at(master)
          }
        } catch (error) {
          if (!(error instanceof PapyraError)) throw error
          // A sentinel that is gone is what there are others for.
          if (failureOf(error)?.passing === true) unheard += 1
          else refused ??= error
        }
      }
      if (refused !== null) throw refused
      const those = `${sentinels.length} sentinels of ${url}`
      if (unheard > 0)
        throw noMaster(url, `Of ${those} ${unheard} do not answer, and none names a master.`)
      throw noMaster(url, `None of the ${those} knows a master of that name.`, false)
    },
    at,
    verify: (link) => requireMaster(link, url),
  }
}

/** What a sentinel calls the master; `null` if it knows none of that name. */
async function masterOf(
  name: string,
  client: RedisLike,
  { location, timeoutMs }: { readonly location: string; readonly timeoutMs: number },
): Promise<Address | null> {
  const options = { location, clustered: false, commandTimeoutMs: timeoutMs }
  const link = await Link.open(client, options)
  try {
    const reply = await link.call('SENTINEL', ['get-master-addr-by-name', name])
    if (reply === null) return null
    const [host, port] = list(reply).map(text)
    return { host: host ?? '', port: Number(port) }
  } finally {
    link.disconnect()
  }
}
