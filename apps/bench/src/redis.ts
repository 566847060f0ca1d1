import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { redisBackend } from '@papyra/backend-redis'
import type { Backend } from '@papyra/contracts'
import { Redis } from 'ioredis'
import { fact, plainObject } from './facts.js'
import { sideBySide, type Row } from './table.js'

const WAITING = 256
const PAGE = 1000

/** A server of our own on 127.0.0.1, its append-only file synced every second. */
async function startServer(dir: string): Promise<{ port: number; stop: () => Promise<void> }> {
  const place = join(dir, 'redis')
  mkdirSync(place, { recursive: true })
  const port = await freePort()
  const words = ['--port', port, '--bind', '127.0.0.1', '--dir', place, '--save', '']
  const aof = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--loglevel', 'warning']
  const child = spawn('redis-server', [...words, ...aof].map(String), { stdio: 'ignore' })
  const ended = new Promise<void>((resolve, reject) => {
    child.once('exit', () => resolve())
    child.once('error', reject)
  })
  ended.catch(() => undefined)
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error('redis-server ended')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await ended
  }
  return { port, stop }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port)
        else reject(new Error('no port'))
      })
    })
  })
}

/** So many at a time: each worker waits for its own before it goes on. */
async function workers(records: number, one: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < records) await one(next++)
  }
  await Promise.all(Array.from({ length: WAITING }, work))
}

/** A stream as one writes it without Papyra: a record a command, its payload as JSON. */
function plainAdd(client: Redis, key: string, n: number): Promise<unknown> {
  const { kind, timestamp, ...data } = plainObject(n) as Record<string, unknown>
  const fields = ['kind', String(kind), 'timestamp', String(timestamp)]
  return client.xadd(key, '*', ...fields, 'data', JSON.stringify(data))
}

/** Writing and reading a store on a Redis server beside plain commands of the same client. */
export async function redis(dir: string, rounds: number, records: number): Promise<Row[]> {
  const server = await startServer(dir)
  const client = new Redis(server.port, '127.0.0.1', { enableAutoPipelining: true })
  const bench = { url: `redis://127.0.0.1:${server.port}`, client, rounds, records }
  try {
    return [await together(bench), await oneEach(bench), await reading(bench)]
  } finally {
    client.disconnect()
    await server.stop()
  }
}

interface Bench {
  readonly url: string
  readonly client: Redis
  readonly rounds: number
  readonly records: number
}

async function together({ url, client, rounds, records }: Bench): Promise<Row> {
  let round = 0
  const times = await sideBySide(
    rounds,
    async () => {
      const store = await opened(url, `together-${round++}`)
      for (let n = 0; n < records; n += WAITING) {
        await store.append(Array.from({ length: WAITING }, (_, i) => fact(n + i)))
      }
      await store.close()
    },
    async () => {
      for (let n = 0; n < records; n += WAITING) {
        const some = Array.from({ length: WAITING }, (_, i) => n + i)
        await Promise.all(some.map((i) => plainAdd(client, `together-${round}`, i)))
      }
    },
  )
  return {
    question: `Redis: append, ${WAITING} at a time`,
    peer: 'XADD, pipelined by ioredis',
    ...{ ratio: times.peer / times.ours, better: 'higher', floor: 1.5 },
    figures: figures(records, times),
  }
}

async function oneEach({ url, client, rounds, records }: Bench): Promise<Row> {
  let round = 0
  const times = await sideBySide(
    rounds,
    async () => {
      const store = await opened(url, `ours-${round++}`)
      await workers(records, (n) => store.append([fact(n)]))
      await store.close()
    },
    () => workers(records, (n) => plainAdd(client, `plain-${round}`, n)),
  )
  return {
    question: `Redis: append, ${WAITING} callers, one each`,
    peer: 'XADD, pipelined by ioredis',
    ...{ ratio: times.peer / times.ours, better: 'higher', floor: 1 },
    figures: figures(records, times),
  }
}

async function reading({ url, client, rounds, records }: Bench): Promise<Row> {
  const store = await opened(url, 'ours-0')
  const times = await sideBySide(
    rounds,
    () => readStore(store),
    () => readPlain(client, 'plain-1'),
  )
  await store.close()
  return {
    question: 'Redis: reading, checksums verified, JSON.parse',
    peer: `XRANGE in pages of ${PAGE}, JSON.parse`,
    ...{ ratio: times.peer / times.ours, better: 'higher', floor: 0.8 },
    figures: figures(records, times),
  }
}

function figures(records: number, times: { readonly ours: number; readonly peer: number }): string {
  const rate = (ms: number): string => (records / ms).toFixed(1)
  return `${rate(times.ours)} against ${rate(times.peer)} k records/s`
}

async function opened(url: string, system: string): Promise<Backend> {
  const store = await redisBackend({ url, system }).open({ access: 'write', create: 'if-missing' })
  await store.begin({ retention: null })
  return store
}

async function readStore(store: Backend): Promise<number> {
  let sum = 0
  for await (const { json } of store.read()) sum += Object.keys(JSON.parse(json) as object).length
  return sum
}

async function readPlain(client: Redis, key: string): Promise<number> {
  let sum = 0
  for (let from = '-'; ; ) {
    const page = await client.xrange(key, from, '+', 'COUNT', PAGE)
    for (const [, fields] of page) {
      sum += Object.keys(JSON.parse(fields[5] ?? '{}') as object).length
    }
    if (page.length < PAGE) return sum
    from = `(${page.at(-1)?.[0] ?? ''}`
  }
}
