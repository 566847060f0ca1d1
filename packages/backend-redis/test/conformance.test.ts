import { backendConformance, type Subject } from '@papyra/testkit'
import { ownServer } from './support/own-server.js'
import { subjectOf } from './support/subject.js'

const { server, client } = await ownServer()
let stores = 0

function create(): Promise<Subject> {
  stores += 1
  return Promise.resolve(subjectOf(client, { url: server.url, system: `shop-${stores}` }))
}

backendConformance({ name: 'backend-redis', create, numRuns: 15 })
