import { mkdtempSync, readFileSync, renameSync, rmSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readMarkFile } from '../../src/write/mark-file.js'
import { nodeVfs } from '../../src/write/node-vfs.js'
import { createLog, fact, openQueue, outcome, readLog, upTo } from './queue-harness.js'

let dir: string
let log: string
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'papyra-append-'))
  log = join(dir, 'shop.ndjson')
  await createLog(nodeVfs, log)
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

describe.each(['flushed', 'durable'] as const)('appending to a real file, level %s', (ack) => {
  it('stores what many callers append, small and large batches alike', async () => {
    const { queue, file } = await openQueue(nodeVfs, { ack }, log)
    const callers = upTo(20).map(async (caller) => {
      for (const n of upTo(10)) await queue.append([fact(`${caller}-${n}`, caller % 2 ? '€' : '')])
    })
    await Promise.all(callers)
    await queue.append(upTo(1000).map((n) => fact(n)))
    expect(await readMarkFile(nodeVfs, log)).toMatchObject({ mark: { acked: 1200 } })
    await queue.close()
    await file.close()
    const { seqs, names, rest } = readLog(readFileSync(log))
    expect({ seqs, rest }).toEqual({ seqs: upTo(1200), rest: 0 })
    expect(new Set(names).size).toBe(1200)
    const said = await readMarkFile(nodeVfs, log)
    expect(said).toMatchObject({ state: 'ok', damaged: [], mark: { acked: 1200, synced: 1200 } })
  })

  it('stops when the file is moved or removed', async () => {
    for (const touch of [() => renameSync(log, `${log}.1`), () => unlinkSync(log)]) {
      const { queue, file, clock } = await openQueue(nodeVfs, { ack }, log)
      await queue.append([fact(1)])
      touch()
      clock.advance(1000)
      expect(await outcome(queue.append([fact(2)]))).toBe('store_replaced')
      await queue.close()
      await file.close()
      rmSync(`${log}.1`, { force: true })
      rmSync(`${log}.mark`, { force: true })
      if ((await nodeVfs.stat(log)) === null) await createLog(nodeVfs, log)
    }
  })
})
