// The order service: `service.js <log> <first order> <orders> [die-at-write]`.
// It prints one line for every order that the store has acknowledged, and only then.
import { realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'
import { jsonBackend } from '@papyra/backend-json'
import { openPapyra } from '@papyra/core'
import { nodeVfs } from '@papyra/filelog'
import { dyingVfs } from './dying-vfs.js'

interface Facts {
  event: {
    'order.placed': { id: string; item: string; total: number }
    'order.shipped': { id: string }
  }
}

const [log = '', first = '1', orders = '0', dieAt] = process.argv.slice(2)
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

const ITEMS = ['lamp', 'kettle', 'atlas', 'bicycle bell']
for (let n = Number(first); n < Number(first) + Number(orders); n++) {
  const id = `A${String(n).padStart(4, '0')}`
  const payload = { id, item: ITEMS[n % ITEMS.length] as string, total: (n * 37) % 500 }
  const placed = await papyra.recordEvent({ actor: 'shop://orders', type: 'order.placed', payload })
  process.stdout.write(`${JSON.stringify({ seq: placed.seq, id })}\n`)
  if (n % 3 === 0) {
    const shipped = await papyra.recordEvent({
      actor: 'shop://orders',
      type: 'order.shipped',
      payload: { id },
    })
    process.stdout.write(`${JSON.stringify({ seq: shipped.seq, id })}\n`)
  }
}
await papyra.close()
