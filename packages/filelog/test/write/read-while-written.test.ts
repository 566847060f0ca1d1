import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { encodeAccountsSlot } from '../../src/format/accounts-slot.js'
import { encodeSlot } from '../../src/format/ack-mark.js'
import { AccountsFile } from '../../src/write/accounts-file.js'
import { readMarkFile } from '../../src/write/mark-file.js'
import { nodeVfs } from '../../src/write/node-vfs.js'

/** Writes the two versions of one slot in turn, as fast as it can, until it is told to stop. */
const WRITER = `
const { workerData, parentPort } = require('node:worker_threads')
const { openSync, writeSync } = require('node:fs')
const { path, versions, stop } = workerData
const fd = openSync(path, 'r+')
parentPort.postMessage('writing')
for (let i = 0; Atomics.load(stop, 0) === 0; i++) writeSync(fd, versions[i % 2], 0, versions[0].length, 0)
`

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'papyra-slots-'))
})
afterEach(() => rm(dir, { recursive: true }))

/** Has the first slot of a file written all the time while `work` goes on. */
async function whileWritten(
  path: string,
  versions: readonly Uint8Array[],
  work: () => Promise<void>,
): Promise<void> {
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const writer = new Worker(WRITER, { eval: true, workerData: { path, versions, stop } })
  await once(writer, 'message')
  try {
    await work()
  } finally {
    Atomics.store(stop, 0, 1)
    await once(writer, 'exit')
  }
}

const READS = 5000

test('a mark that its owner is writing is never taken for damaged', async () => {
  const log = join(dir, 'shop.ndjson')
  const mark = { logId: 'id', generation: 1, turn: 2, acked: 11, synced: 1, offset: 1000 }
  const versions = [mark, { ...mark, turn: 4, acked: 987_654, synced: 2, offset: 7_654_321 }]
  const slots = versions.map((version) => encodeSlot(version))
  const other = encodeSlot({ ...mark, turn: 1, acked: 5 })
  await writeFile(`${log}.mark`, Buffer.concat([slots[0] as Buffer, other]))
  await whileWritten(`${log}.mark`, slots, async () => {
    for (let i = 0; i < READS; i++) {
      const read = await readMarkFile(nodeVfs, log)
      expect(read).toMatchObject({ state: 'ok', damaged: [] })
    }
  })
})

test('accounts that their owner is putting are never those from before', async () => {
  const log = join(dir, 'shop.ndjson')
  const slot = (turn: number, text: string): Buffer => {
    const bytes = encodeAccountsSlot({ turn, bootId: '', text })
    if (bytes === null) throw new Error('too long')
    return bytes
  }
  const slots = [slot(2, '{"n":2}'), slot(4, `{"n":4,"long":"${'x'.repeat(800)}"}`)]
  const path = `${log}.accounts`
  await writeFile(path, Buffer.concat([slots[0] as Buffer, slot(1, '{"n":1}')]))
  await whileWritten(path, slots, async () => {
    for (let i = 0; i < READS; i++) {
      const read = await new AccountsFile(nodeVfs, log).read()
      if (read === null || read === 'damaged') throw new Error(`it is ${read}`)
      expect(read.text).not.toBe('{"n":1}')
    }
  })
})
