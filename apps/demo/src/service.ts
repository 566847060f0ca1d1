// The order service: `service.js <log> [--first N] [--orders N] [--die-at WRITE] [--listen PORT]`.
// It prints one line for every fact about an order that the store has acknowledged, and only then.
// With `--listen` it answers probes and scrapes, and goes on until it is told to stop.
import { once } from 'node:events'
import { realpathSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { ActorSystem, DeliveryError } from '@papyra/actors'
import { jsonBackend } from '@papyra/backend-json'
import { jsonLogger, openPapyra } from '@papyra/core'
import { nodeVfs } from '@papyra/filelog'
import { createHealth } from '@papyra/http'
import { nodeHealthHandler } from '@papyra/http/node'
import { gracefulShutdown } from '@papyra/http/shutdown'
import { dyingVfs } from './dying-vfs.js'
import { orders, shipping, type Acknowledged, type Facts } from './orders.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    first: { type: 'string', default: '1' },
    orders: { type: 'string', default: 'Infinity' },
    'die-at': { type: 'string' },
    listen: { type: 'string' },
  },
})
const [log = ''] = positionals
const path = join(realpathSync(dirname(log)), basename(log))
const dieAt = values['die-at']

// Probes are answered from the first moment on, while the gate reads the store too.
const health = createHealth()
const server = createServer(nodeHealthHandler({ health, storeName: 'shop', backendName: 'json' }))
if (values.listen !== undefined) {
  server.listen(Number(values.listen), '127.0.0.1')
  await once(server, 'listening')
}

const opening = openPapyra<Facts>({
  systemId: 'shop',
  backend: jsonBackend({
    path,
    ...(dieAt === undefined ? {} : { vfs: dyingVfs(nodeVfs, Number(dieAt), path) }),
  }),
  startup: { mode: 'fail_on_anomaly', ...health.startup },
  retention: { maxRecords: 400 },
  create: 'if-missing',
  // What happens to the store, for whoever collects the logs.
  ...(values.listen === undefined
    ? {}
    : { logger: jsonLogger((line) => process.stderr.write(line)) }),
})
const papyra = await health.opening(opening)
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

let working = true
async function work(): Promise<void> {
  const [first, count] = [Number(values.first), Number(values.orders)]
  for (let n = first; working && n < first + count; n++) {
    const placed = await taking.ask({ type: 'place', n })
    promised(placed)
    try {
      if (n % 3 === 0 || n % 100 === 0) promised(await sending.ask({ type: 'ship', id: placed.id }))
    } catch (error) {
      // The actor has been restarted, and the message is among the dead letters.
      if (!(error instanceof DeliveryError && error.reason === 'handler_failed')) throw error
    }
    if (values.listen !== undefined) await pause(20)
  }
}

const done = work()
if (values.listen === undefined) {
  await done
  await system.close()
  await papyra.close()
} else {
  gracefulShutdown({
    health,
    stopWork: [
      {
        name: 'orders',
        run: () => {
          working = false
          return done
        },
      },
    ],
    close: [
      { name: 'actors', run: () => system.close() },
      { name: 'papyra', run: () => papyra.close() },
    ],
    server,
  })
}
