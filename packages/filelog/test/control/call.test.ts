import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { PapyraError } from '@papyra/contracts'
import { expect, onTestFinished, test } from 'vitest'
import { call, greet, requireVersion, type Address, type Greeted } from '../../src/control/call.js'
import { nodeSockets } from '../../src/control/node-sockets.js'
import { serving, shortDir } from './support.js'

const address = (path: string, more: Partial<Address> = {}): Address => ({
  sockets: nodeSockets,
  path,
  location: '/shop',
  helloMs: 20_000,
  silenceMs: 20_000,
  ...more,
})

async function connected(where: Address): Promise<Greeted> {
  const greeted = await greet(where)
  if ('unanswered' in greeted) throw new Error(greeted.unanswered)
  return greeted
}

const HELLO = '{"papyra":"control","version":1,"owner":{"pid":9},"token":"t"}\n'

/** Something that listens and behaves as the test wants. */
async function listener(onClient: (socket: Socket) => void): Promise<string> {
  const path = join(shortDir(), 's.sock')
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    onClient(socket)
  })
  server.listen(path)
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return path
}

test('a call gives the result, tells progress, and throws the owner’s errors', async () => {
  const { path, owner } = await serving()
  const where = address(path)
  expect(await call(where, await connected(where), 'who')).toMatchObject({ pid: 41 })
  const seen: number[] = []
  const onProgress = ({ records }: { records: number }): void => void seen.push(records)
  const done = call(where, await connected(where), 'compact', { onProgress })
  const held = await owner.compaction(0)
  const progress = { phase: 'copy', doneBytes: 0, totalBytes: 0 }
  held.options.onProgress?.({ ...progress, records: 1 })
  held.options.onProgress?.({ ...progress, records: 2 })
  held.finish()
  expect(await done).toEqual({ changed: true })
  expect(seen).toEqual([1, 2])
  const fails = call(where, await connected(where), 'compact')
  ;(await owner.compaction(1)).fail(new PapyraError('anomalies_found', 'Bad.'))
  await expect(fails).rejects.toMatchObject({ code: 'anomalies_found', message: 'Bad.' })
})

test('aborting has the owner stop, and rejects with aborted', async () => {
  const { path, owner } = await serving()
  const where = address(path)
  const controller = new AbortController()
  const run = call(where, await connected(where), 'compact', { signal: controller.signal })
  const held = await owner.compaction(0)
  controller.abort()
  await held.aborted
  await expect(run).rejects.toMatchObject({ code: 'aborted' })
})

test('aborting an owner that hears nothing rejects all the same', async () => {
  const path = await listener((socket) => void socket.write(HELLO))
  const where = address(path)
  const controller = new AbortController()
  const greeted = await connected(where)
  const run = call({ ...where, helloMs: 5 }, greeted, 'compact', { signal: controller.signal })
  controller.abort()
  await expect(run).rejects.toMatchObject({ code: 'aborted' })
})

test.each([
  ['ends', (socket: Socket) => void socket.end(HELLO)],
  ['sends what is no answer', (socket: Socket) => void socket.write(`${HELLO}{"id":true}\n`)],
])(
  'an owner that %s before it answered is unreachable, and what was asked not half done',
  async (_, how) => {
    const where = address(await listener(how))
    const run = call(where, await connected(where), 'compact')
    await expect(run).rejects.toMatchObject({
      code: 'backend_unreachable',
      message: expect.stringContaining('never half'),
      details: { path: '/shop', pid: 9 },
    })
  },
)

test('an owner that falls silent is given up', async () => {
  const where = address(await listener((socket) => void socket.write(HELLO)))
  const greeted = await connected(where)
  const run = call({ ...where, silenceMs: 5 }, greeted, 'scan')
  await expect(run).rejects.toMatchObject({ code: 'backend_unreachable' })
})

test('who does not greet, or greets as something else, is told apart', async () => {
  const dir = shortDir()
  expect(await greet(address(join(dir, 'none')))).toEqual({ unanswered: 'ENOENT' })
  const silent = await listener(() => undefined)
  expect(await greet(address(silent, { helloMs: 5 }))).toEqual({ unanswered: 'timeout' })
  const other = await listener((socket) => void socket.write('220 mail.example ESMTP\n'))
  expect(await greet(address(other))).toEqual({ unanswered: 'no_hello' })
  const closes = await listener((socket) => void socket.destroy())
  expect(await greet(address(closes))).toEqual({ unanswered: 'no_hello' })
})

test('another version of the protocol is said to be one', async () => {
  const path = await listener((socket) => void socket.write(HELLO.replace('1', '2')))
  const { hello, replies } = await connected(address(path))
  replies.close()
  expect(() => requireVersion(hello, '/shop')).toThrow(/speaks version 2/)
})
