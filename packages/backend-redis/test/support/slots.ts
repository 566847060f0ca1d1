import { tell, type Cluster } from './topology.js'

export async function slotOf(cluster: Cluster, key: string): Promise<string> {
  const { port } = await cluster.ownerOf(key)
  return String(await tell(port, 'CLUSTER', 'KEYSLOT', key))
}

/** Moves the slot of a key to another of the first three nodes, key by key, as resharding does. */
export async function moveSlot(cluster: Cluster, key: string): Promise<void> {
  const masters = cluster.servers.slice(0, 3)
  const slot = await slotOf(cluster, key)
  const from = await cluster.ownerOf(key)
  const to = masters.find(({ port }) => port !== from.port)
  if (to === undefined) throw new Error('there is no other master')
  const [fromId, toId] = [await cluster.idOf(from), await cluster.idOf(to)]
  await tell(to.port, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId)
  await tell(from.port, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId)
  // Its keys go one by one: for a while they are on both nodes.
  for (;;) {
    const keys = (await tell(from.port, 'CLUSTER', 'GETKEYSINSLOT', slot, '10')) as string[]
    if (keys.length === 0) break
    for (const one of keys) {
      await tell(from.port, 'MIGRATE', '127.0.0.1', String(to.port), one, '0', '5000')
    }
  }
  for (const { port } of [to, from, ...masters]) {
    await tell(port, 'CLUSTER', 'SETSLOT', slot, 'NODE', toId)
  }
}

/** Waits until each of the three masters has its replica, whatever happened before. */
export async function replicasUp(cluster: Cluster): Promise<boolean> {
  const infos = await Promise.all(
    cluster.servers.map(({ port }) => tell(port, 'INFO', 'replication').then(String)),
  )
  return infos.filter((info) => /role:slave/.test(info) && /status:up/.test(info)).length === 3
}
