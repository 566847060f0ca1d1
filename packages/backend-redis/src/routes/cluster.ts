import { PapyraError } from '@papyra/contracts'
import { list, text } from '../entry.js'
import { Link } from '../link.js'
import { failureOf, noMaster } from '../redis-errors.js'
import type { Route } from '../route.js'
import type { Address, RedisLike, Reply } from '../wire.js'

export interface ClusterPlace {
  /** Nodes to ask first; those that they name are asked besides. */
  readonly nodes: readonly Address[]
  /** What an address that the Cluster tells is to be replaced with. */
  readonly natMap: { readonly [address: string]: Address }
  readonly makeClient: (node: Address) => RedisLike
}

const nameOf = ({ host, port }: Address): string => `${host}:${port}`

/**
 * The master of a store's slot: all keys of a store have one hash tag, so they are in one slot. Any node
 * tells who has it; while it moves, the nodes themselves tell where it is (`MOVED`, `ASK`).
 */
export function clusterRoute(place: ClusterPlace, commandTimeoutMs: number): Route {
  const { nodes, natMap } = place
  const [first] = nodes
  const url = `redis+cluster://${first === undefined ? '' : nameOf(first)}`
  let known: readonly Address[] = nodes
  const at = (node: Address): RedisLike => place.makeClient(natMap[nameOf(node)] ?? node)
  const ask = async (node: Address, key: string): Promise<readonly Address[]> => {
    const options = { location: url, clustered: true, commandTimeoutMs }
    const link = await Link.open(at(node), options)
    try {
      const slot = Number(await link.call('CLUSTER', ['KEYSLOT', key]))
      const ranges = list(await link.call('CLUSTER', ['SLOTS'])).map(list)
      const masters = ranges.map((range) => addressOf(range[2] ?? null, node))
      const mine = ranges.findIndex(([from, to]) => Number(from) <= slot && slot <= Number(to))
      const master = masters[mine]
      // The one that has the slot comes first; the others may be asked when it is gone.
      return master === undefined ? [] : [master, ...masters.filter((one) => one !== master)]
    } finally {
      link.disconnect()
    }
  }
  return {
    url,
    failsOver: true,
    clustered: true,
    async locate(key) {
      let refused: PapyraError | null = null
      for (const node of known) {
        try {
          const [master, ...others] = await ask(node, key)
          if (master === undefined) continue
          known = distinct([node, ...others, master, ...nodes])
          return at(master)
        } catch (error) {
          if (!(error instanceof PapyraError)) throw error
          if (failureOf(error)?.passing !== true) refused ??= error
        }
      }
      if (refused !== null) throw refused
      throw noMaster(url, `No node of ${url} answers and knows who has the slot of the store.`)
    },
    at: (node) => at(node.host === '' ? { ...node, host: first?.host ?? '' } : node),
    verify: () => Promise.resolve(),
  }
}

/** `[host, port, id, …]`; a node that does not know its own address leaves it empty. */
function addressOf(entry: Reply, asked: Address): Address {
  const [host = null, port = null] = list(entry)
  const named = host === null ? '' : text(host)
  return { host: named === '' || named === '?' ? asked.host : named, port: Number(port) }
}

function distinct(nodes: readonly Address[]): readonly Address[] {
  return [...new Map(nodes.map((node) => [nameOf(node), node])).values()]
}
