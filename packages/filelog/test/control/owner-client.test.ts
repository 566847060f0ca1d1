import { isPapyraError, systemClock } from '@papyra/contracts'
import { expect, test } from 'vitest'
import { ControlPort } from '../../src/control/control-port.js'
import { ownerClient } from '../../src/control/owner-client.js'
import { openLogStore } from '../../src/rewrite/open-store.js'
import { memVfs } from '../../src/testing/index.js'
import { acquireLock } from '../../src/write/lock.js'
import { SlowOwner } from './support.js'

const LOG = '/shop.ndjson'
const soon = { helloMs: 1 }

test('on a file system without sockets nobody listens, and the store begins as always', async () => {
  const vfs = memVfs()
  const store = await openLogStore(vfs, LOG, {
    backend: 'json',
    access: 'write',
    create: 'if-missing',
  })
  const port = ControlPort.ofLog(vfs, LOG)
  expect(await store.begin({}, (begun) => port.serve(new SlowOwner(), begun))).toMatchObject({
    nextSeq: 1,
  })
  expect(await vfs.readdir('/')).not.toContain('shop.ndjson.sock')
  expect(await port.owner()).toBeNull()
  const other = vfs.fork()
  await expect(ownerClient(other, LOG, soon)).rejects.toMatchObject({
    code: 'store_locked',
    details: { pid: vfs.host.pid, reason: 'not_yet' },
  })
  port.close()
  await store.close()
  expect(await ownerClient(other, LOG, soon)).toBeNull()
})

test('nobody holds it, or this process does: there is nobody to ask', async () => {
  const vfs = memVfs()
  const other = vfs.fork()
  expect(await ownerClient(vfs, LOG, soon)).toBeNull()
  const lock = await acquireLock(vfs, LOG, { clock: systemClock })
  expect(await ownerClient(vfs, LOG, soon)).toBeNull()
  await expect(ownerClient(other, LOG, soon)).rejects.toMatchObject({ code: 'store_locked' })
  await lock.release()
  expect(await ownerClient(other, LOG, soon)).toBeNull()
})

test('what the lock file says is in the refusal: why there is no socket, and where the owner is', async () => {
  const vfs = memVfs()
  const other = vfs.fork()
  const lock = await acquireLock(vfs, LOG, { clock: systemClock })
  const refusal = async (): Promise<string> => {
    const error = await ownerClient(other, LOG, { ...soon, location: '/the/store' }).catch(
      (thrown: unknown) => thrown,
    )
    if (!isPapyraError(error, 'store_locked')) throw error
    return `${error.message} ${error.hint}`
  }
  expect(await refusal()).toMatch(
    /^\/the\/store is held by process \d+ on machine, since .*starting/,
  )
  await lock.announce({ socket_problem: 'EROFS' })
  expect(await refusal()).toContain('could not open its control socket (EROFS)')
  await lock.announce({ host: 'web2' })
  expect(await refusal()).toMatch(
    /on web2.*another host or in another container.*Run the command there/,
  )
  await lock.release()
})
