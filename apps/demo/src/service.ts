// The order service: `service.js <log> <first order> <orders> [die-at-write]`.
// It prints one line for every fact about an order that the store has acknowledged, and only then.
import { realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'
import { ActorSystem, DeliveryError } from '@papyra/actors'
import { jsonBackend } from '@papyra/backend-json'
import { openPapyra } from '@papyra/core'
import { nodeVfs } from '@papyra/filelog'
import { dyingVfs } from './dying-vfs.js'
import { orders, shipping, type Acknowledged, type Facts } from './orders.js'

const [log = '', first = '1', count = '0', dieAt] = process.argv.slice(2)
const path = join(realpathSync(dirname(log)), basename(log))

const papyra = await openPapyra<Facts>({
  systemId: 'shop',
  backend: jsonBackend({
    path,
    ...(dieAt === undefined ? {} : { vfs: dyingVfs(nodeVfs, Number(dieAt), path) }),
  }),
  startup: { mode: 'fail_on_anomaly' },
  retention: { maxRecords: 400 },
  create: 'if-missing',
})
// The gate has passed: only now there are actors.
const system = await ActorSystem.start({
  papyra,
  supervision: { onFailure: 'restart', maxRestarts: 100, backoff: { firstMs: 0 } },
})
const taking = system.spawn(() => orders(papyra), { name: 'orders' })
const sending = system.spawn(() => shipping(papyra), { name: 'shipping' })

function promised(fact: Acknowledged): void {
  process.stdout.write(`${JSON.stringify(fact)}\n`)
}

for (let n = Number(first); n < Number(first) + Number(count); n++) {
  const placed = await taking.ask({ type: 'place', n })
  promised(placed)
  try {
    if (n % 3 === 0 || n % 100 === 0) promised(await sending.ask({ type: 'ship', id: placed.id }))
  } catch (error) {
    // The actor has been restarted, and the message is among the dead letters.
    if (!(error instanceof DeliveryError && error.reason === 'handler_failed')) throw error
  }
}
await system.close()
await papyra.close()
