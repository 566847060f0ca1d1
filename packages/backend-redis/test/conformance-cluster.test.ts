import { backendConformance, type Subject } from '@papyra/testkit'
import { Redis } from 'ioredis'
import { afterAll, beforeAll } from 'vitest'
import { subjectOf } from './support/subject.js'
import { startCluster, type Cluster } from './support/topology.js'

let cluster: Cluster
let stores = 0

beforeAll(async () => {
  cluster = await startCluster()
})

afterAll(() => cluster.stop())

/** Each store is on the node that has its slot. */
async function create(): Promise<Subject> {
  stores += 1
  const system = `shop-${stores}`
  const { port } = await cluster.ownerOf(`{papyra:${system}}:meta`)
  const client = new Redis(port, '127.0.0.1')
  const { nodes } = cluster
  return subjectOf(client, { system, cluster: { nodes } }, () => client.disconnect())
}

backendConformance({ name: 'backend-redis in a Cluster', create, numRuns: 3 })
