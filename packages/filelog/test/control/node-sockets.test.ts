import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import type { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { nodeSockets } from '../../src/control/node-sockets.js'
import type { Listening } from '../../src/vfs.js'
import { RawClient, shortDir } from './support.js'

const hello = (socket: Socket): void => void socket.end('{"here":true}\n')

async function listen(path: string): Promise<Listening> {
  const listening = await nodeSockets.listen(path, hello)
  onTestFinished(() => listening.close())
  return listening
}

const answers = async (path: string): Promise<boolean> =>
  (await new RawClient(path).next())?.['here'] === true

const mode = (path: string): number => lstatSync(path).mode & 0o777

test('it listens at the path, for its own user alone, and leaves nothing when it closes', async () => {
  const dir = shortDir()
  const path = join(dir, 'shop.ndjson.sock')
  const before = process.umask(0)
  onTestFinished(() => void process.umask(before))
  const listening = await listen(path)
  expect(listening.path).toBe(path)
  expect(lstatSync(path).isSocket()).toBe(true)
  expect(mode(path)).toBe(0o600)
  expect(await answers(path)).toBe(true)
  expect(readdirSync(dir)).toEqual(['shop.ndjson.sock'])
  listening.close()
  expect(readdirSync(dir)).toEqual([])
})

test.runIf(process.getuid?.() === 0)('another user cannot connect, where he may look', async () => {
  const dir = shortDir()
  chmodSync(dir, 0o777)
  const { path } = await listen(join(dir, 's.sock'))
  const program = `require('net').connect(${JSON.stringify(path)})
    .on('connect', () => process.exit(0)).on('error', (e) => { console.log(e.code); process.exit(1) })`
  const stranger = { uid: 65534, gid: 65534, cwd: '/', encoding: 'utf8' } as const
  const run = spawnSync(process.execPath, ['-e', program], stranger)
  expect(run.stdout).toBe('EACCES\n')
  expect(run.status).toBe(1)
})

test('what a dead owner left is replaced, the folder it was making included', async () => {
  const dir = shortDir()
  const path = join(dir, 's.sock')
  const kill = `const net = require('net'), fs = require('fs')
    fs.mkdirSync(${JSON.stringify(`${path}.d`)})
    net.createServer().listen(${JSON.stringify(`${path}.d/s`)})
    net.createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  expect(spawnSync(process.execPath, ['-e', kill]).signal).toBe('SIGKILL')
  expect(readdirSync(dir).sort()).toEqual(['s.sock', 's.sock.d'])
  expect((await listen(path)).path).toBe(path)
  expect(await answers(path)).toBe(true)
  expect(readdirSync(dir)).toEqual(['s.sock'])
})

test('a file or a link of that name is left as it is; it listens elsewhere', async () => {
  for (const make of [
    (path: string) => writeFileSync(path, 'mine'),
    (path: string) => mkdirSync(path),
    (path: string) => symlinkSync('/etc/passwd', path),
  ]) {
    const path = join(shortDir(), 's.sock')
    make(path)
    const before = lstatSync(path)
    const listening = await listen(path)
    expect(listening.path).not.toBe(path)
    expect(await answers(listening.path)).toBe(true)
    expect(lstatSync(path).ino).toBe(before.ino)
    if (before.isFile()) expect(readFileSync(path, 'utf8')).toBe('mine')
  }
})

test('a long path is bound in a private folder, the same each time, which goes when it closes', async () => {
  const folder = join(shortDir(), 'x'.repeat(90))
  mkdirSync(folder)
  const path = join(folder, 'shop.ndjson.sock')
  const first = await listen(path)
  expect(Buffer.byteLength(first.path)).toBeLessThanOrEqual(107)
  expect(readdirSync(folder)).toEqual([])
  expect(mode(dirname(first.path))).toBe(0o700)
  expect(mode(first.path)).toBe(0o600)
  expect(await answers(first.path)).toBe(true)
  first.close()
  expect(existsSync(dirname(first.path))).toBe(false)
  const second = await listen(path)
  expect(second.path).toBe(first.path)
  expect(await answers(second.path)).toBe(true)
})

test('exactly a hundred bytes are bound where they are, and one more elsewhere', async () => {
  const dir = shortDir()
  const name = (bytes: number): string => join(dir, 'é'.repeat((bytes - dir.length - 1) / 2))
  const odd = (dir.length + 1) % 2
  const fits = await listen(name(100 - odd))
  expect(fits.path).toBe(name(100 - odd))
  expect(await answers(fits.path)).toBe(true)
  const tooLong = await listen(name(102 - odd))
  expect(tooLong.path).not.toBe(name(102 - odd))
  expect(await answers(tooLong.path)).toBe(true)
})

test('closing takes nothing away from whoever listens there by now', async () => {
  const path = join(shortDir(), 's.sock')
  const old = await listen(path)
  const next = await listen(path)
  old.close()
  expect(await answers(path)).toBe(true)
  next.close()
  expect(existsSync(path)).toBe(false)
})

test('where nothing can be bound it says why, and leaves nothing behind', async () => {
  const dir = shortDir()
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = join(dir, 'not-there')
  onTestFinished(() => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  })
  const path = join(dir, 'x'.repeat(99))
  await expect(nodeSockets.listen(path, hello)).rejects.toMatchObject({ code: 'ENOENT' })
  expect(readdirSync(dir)).toEqual([])
})

test('two logs in one folder with a long name do not meet in their private folders', async () => {
  const folder = join(shortDir(), 'x'.repeat(90))
  mkdirSync(folder)
  const [a, b] = [await listen(join(folder, 'a.sock')), await listen(join(folder, 'b.sock'))]
  expect(a.path).not.toBe(b.path)
  expect(await answers(a.path)).toBe(true)
  expect(await answers(b.path)).toBe(true)
})
