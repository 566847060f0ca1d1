import type { Access } from '../client.js'
import { clientFor } from '../client.js'
import type { Route } from '../route.js'
import type { Address } from '../wire.js'

/** One server, which nobody takes the place of. */
export function singleRoute(
  server: Address & { readonly url: string },
  access: Access,
  connectTimeoutMs: number,
): Route {
  const { host, port, url } = server
  const at = (node: Address): ReturnType<Route['at']> => clientFor(node, access, connectTimeoutMs)
  return {
    url,
    failsOver: false,
    clustered: false,
    locate: () => Promise.resolve(at({ host, port })),
    at,
    verify: () => Promise.resolve(),
  }
}
