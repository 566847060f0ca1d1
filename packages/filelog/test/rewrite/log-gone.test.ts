import { expect, test } from 'vitest'
import { createLogStore, openLogStore } from '../../src/index.js'
import { memVfs } from '../../src/testing/index.js'

const LOG = '/data/shop.ndjson'
const backend = 'json'

async function emptyStoreThatWasUsed() {
  const vfs = memVfs()
  await vfs.mkdir('/data')
  await createLogStore(vfs, LOG)
  const store = await openLogStore(vfs, LOG, { access: 'write', backend })
  await store.begin()
  await store.close()
  await vfs.unlink(LOG)
  return vfs
}

test('a log that is gone is damage even if no record of it is known, and recovery makes it anew', async () => {
  const vfs = await emptyStoreThatWasUsed()
  await expect(createLogStore(vfs, LOG)).rejects.toMatchObject({ code: 'store_exists' })
  const store = await openLogStore(vfs, LOG, { access: 'write', backend })
  const found = await store.scan()
  expect(found.anomalies.map(({ code, offset, loss }) => ({ code, offset, loss }))).toEqual([
    { code: 'rolled_back', offset: 0, loss: false },
  ])
  await expect(store.begin()).rejects.toMatchObject({ code: 'anomalies_found' })
  const report = await store.recover({ mode: 'repair' })
  expect(report.after?.clean).toBe(true)
  expect((await store.recover({ mode: 'repair' })).changed).toBe(false)
  expect((await store.begin()).nextSeq).toBe(1)
  await store.close()
})

test('a log that is gone with all that stands beside it damaged is named, not made anew', async () => {
  const vfs = await emptyStoreThatWasUsed()
  for (const beside of [`${LOG}.mark`, `${LOG}.meta.json`]) {
    const file = await vfs.open(beside, 'read-write')
    await file.write(new Uint8Array(600).fill(0x2a), 0, 600, 0)
    await file.close()
  }
  const store = await openLogStore(vfs, LOG, { access: 'write', backend })
  expect((await store.scan()).anomalyCounts).toEqual({ unreadable: 1 })
  await expect(store.recover({ mode: 'repair' })).rejects.toMatchObject({ code: 'unreadable' })
  await store.close()
})
