import { createHash } from 'node:crypto'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Listening, VfsSockets } from '../vfs.js'
import { errnoOf } from '../write/io-error.js'

/** Above this a path is not bound where it is: Node 20 cuts a longer one than 107 bytes silently. */
const MAX_PATH_BYTES = 100
const HARD_LIMIT = 107
/** More clients at once are turned away. */
const MAX_CLIENTS = 64

interface Bound {
  /** Where clients find it. */
  readonly path: string
  readonly inode: bigint
  /** A folder that exists for the socket alone; `null` if it stands in one that is not ours. */
  readonly folder: string | null
}

/** `null`, in one step, if there is nothing. */
function look(path: string): fs.BigIntStats | null {
  try {
    return fs.lstatSync(path, { bigint: true })
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null
    throw error
  }
}

/** A new folder that only we may enter. What a dead owner left there goes; it was for the socket alone. */
function makePrivate(folder: string): void {
  const there = look(folder)
  if (there !== null) {
    // Somebody else's folder might be another one by the time we touch it.
    const own = there.isDirectory() && Number(there.uid) === process.getuid?.()
    if (!own) throw refusal('EEXIST', folder)
    fs.rmSync(join(folder, 's'), { force: true })
    fs.rmdirSync(folder)
  }
  fs.mkdirSync(folder, 0o700)
}

function refusal(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}

/** Binds and listens, in one turn of the event loop; throws nothing but errors of the system. */
async function listenAt(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > HARD_LIMIT) throw refusal('ENAMETOOLONG', path)
  // `exclusive`: a worker of a cluster does not share it, it is bound right here.
  server.listen({ path, exclusive: true })
  if (server.listening) return
  const [error] = (await once(server, 'error').catch((thrown: unknown) => [thrown])) as [Error]
  throw error
}

/**
 * Binds beside the log. Made in a folder that only we may enter and moved to its place when its mode
 * is right, so that at no moment anybody else could connect.
 */
async function bindAt(server: Server, path: string): Promise<Bound> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw refusal('ENAMETOOLONG', path)
  const there = look(path)
  // Whatever has that name and is no socket is not ours to replace.
  if (there !== null && !there.isSocket()) throw refusal('EEXIST', path)
  const folder = `${path}.d`
  makePrivate(folder)
  const made = join(folder, 's')
  try {
    await listenAt(server, made)
    fs.chmodSync(made, 0o600)
    fs.renameSync(made, path)
    return { path, inode: fs.lstatSync(path, { bigint: true }).ino, folder: null }
  } finally {
    fs.rmSync(made, { force: true })
    fs.rmdirSync(folder)
  }
}

/** The private folder among the temporary files: the same one each time, so that none is left over. */
function folderElsewhere(path: string): string {
  const { dev, ino } = fs.statSync(dirname(path), { bigint: true })
  const about = [process.getuid?.() ?? '', dev, ino, path].join('\0')
  const name = createHash('sha256').update(about).digest('hex').slice(0, 16)
  const folder = join(tmpdir(), `papyra-${name}`)
  try {
    makePrivate(folder)
    return folder
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY'].includes(errnoOf(error))) throw error
    return fs.mkdtempSync(`${folder}-`)
  }
}

/** Binds in a private folder among the temporary files. */
async function bindElsewhere(server: Server, path: string): Promise<Bound> {
  const folder = folderElsewhere(path)
  const made = join(folder, 's')
  try {
    await listenAt(server, made)
    fs.chmodSync(made, 0o600)
    return { path: made, inode: fs.lstatSync(made, { bigint: true }).ino, folder }
  } catch (error) {
    fs.rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

function makeServer(onClient: (socket: Socket) => void): Server {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.unref()
    onClient(socket)
  })
  server.maxConnections = MAX_CLIENTS
  server.unref()
  return server
}

/** Takes the socket's name away, if it is still ours: the next owner may have taken the place. */
function removeName({ path, inode, folder }: Bound): void {
  try {
    if (look(path)?.ino === inode) fs.unlinkSync(path)
    if (folder !== null) fs.rmdirSync(folder)
  } catch {
    // It answers nobody any more, and the next owner takes the place.
  }
}

async function listen(path: string, onClient: (socket: Socket) => void): Promise<Listening> {
  const problems: unknown[] = []
  for (const bind of [bindAt, bindElsewhere]) {
    const server = makeServer(onClient)
    try {
      const bound = await bind(server, path)
      // From now on nothing that happens to the listening socket may hurt its process.
      server.on('error', () => undefined)
      const close = (): void => {
        server.close()
        removeName(bound)
      }
      return { path: bound.path, close }
    } catch (error) {
      server.on('error', () => undefined)
      server.close()
      problems.push(error)
    }
  }
  throw problems.at(-1)
}

/** The sockets of this machine. */
export const nodeSockets: VfsSockets = { listen, connect: (path) => connect({ path }) }
