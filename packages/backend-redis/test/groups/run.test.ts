import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { bundleForNode } from '@papyra/build-config/bundle'
import type { Backend } from '@papyra/contracts'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisBackend } from '../../src/index.js'
import { random } from '../support/random.js'
import { startRedis, type TestServer } from '../support/redis-server.js'
import { begun, event } from '../support/stores.js'
import { range } from './kit.js'

const LONG = process.env['PAPYRA_LONG'] === '1'
const [MESSAGES, KILLS, CONSUMERS, BATCH] = LONG ? [10_000, 20, 4, 16] : [1500, 5, 3, 16]
const SYSTEM = 'run'
const KEY = `{papyra:${SYSTEM}}:events`

let server: TestServer
let client: Redis
let bundle: string

beforeAll(async () => {
  server = await startRedis()
  client = new Redis(server.port, '127.0.0.1')
  bundle = await bundleForNode(new URL('../fixtures/consumer-child.ts', import.meta.url))
})

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  client.disconnect()
  await server.stop()
})

const running = new Set<ChildProcess>()

/** What the consumers said, whatever became of them. */
class Told {
  readonly handled: Map<number, number> = new Map()
  readonly deleted: Set<number> = new Set()
  readonly poison: Set<number> = new Set()
  readonly vanished: number[] = []
  refused = 0

  line(text: string): void {
    const [what, ...rest] = text.split(' ')
    const seqs = rest.map(Number)
    if (what === 'handled') for (const seq of seqs) this.#count(seq)
    else if (what === 'deleted') for (const seq of seqs) this.deleted.add(seq)
    else if (what === 'poison') for (const seq of seqs) this.poison.add(seq)
    else if (what === 'vanished') this.vanished.push(...seqs)
    else if (what === 'refused') this.refused += 1
  }

  get doubles(): number {
    return [...this.handled.values()].reduce((sum, times) => sum + times - 1, 0)
  }

  #count(seq: number): void {
    this.handled.set(seq, (this.handled.get(seq) ?? 0) + 1)
  }
}

function consumer(told: Told): ChildProcess {
  const args = [bundle, server.url, SYSTEM, String(BATCH)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  if (child.stdout !== null) createInterface(child.stdout).on('line', (text) => told.line(text))
  return child
}

const until = async (so: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await so())) await new Promise((resolve) => setTimeout(resolve, 10))
}

async function appendAll(store: Backend, count: number, poison: number): Promise<void> {
  for (let n = 1; n <= count; n += 50) {
    const some = range(n, Math.min(count, n + 49))
    await store.append(some.map((i) => (i === poison ? event(i, '{"poison":true}') : event(i))))
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('every message is handled or reported, whoever is killed; none is pending in the end', async () => {
  const rng = random()
  const store = await begun(redisBackend({ url: server.url, system: SYSTEM }))
  await client.xgroup('CREATE', KEY, 'run', '0', 'MKSTREAM')
  const fields = { 'group:event:run:start': '0', 'group:event:run:done': '0' }
  await client.hset(`{papyra:${SYSTEM}}:meta`, fields)
  const told = new Told()
  const beforeDestroyed = new Set<number>()
  let kills = 0
  let over = false
  // Whoever ends is started anew, as a service is; so the poison kills again and again.
  const keep = async (): Promise<void> => {
    while (!over) {
      const child = consumer(told)
      await new Promise((resolve) => child.once('exit', resolve))
      kills += 1
    }
  }
  const kept = range(1, CONSUMERS).map(() => keep())
  const poison = Math.floor(MESSAGES / 2)
  const appended = appendAll(store, MESSAGES, poison)
  let trimmed = 0
  let deleted = false
  const trims = (async () => {
    while (!over && !deleted) {
      const { records } = await store.compact({ policy: { maxRecords: 100 } })
      trimmed += records.before - records.after
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  for (let n = 1; n <= KILLS; n += 1) {
    await until(() => told.handled.size > (MESSAGES * n * 0.8) / (KILLS + 1) && running.size > 0)
    const victims = [...running]
    victims[rng.below(victims.length)]?.kill('SIGKILL')
    if (n === Math.ceil(KILLS / 2)) {
      await client.xgroup('DESTROY', KEY, 'run')
      for (const seq of told.handled.keys()) beforeDestroyed.add(seq)
    }
  }
  await appended
  // However fast all this went: trims that took something were among it.
  await until(() => trimmed > MESSAGES / 4)
  deleted = true
  await trims
  const gone = (await client.xdel(KEY, `${MESSAGES}-0`)) === 1
  const pending = async (): Promise<number> => Number((await client.xpending(KEY, 'run'))[0])
  const lost = gone ? [MESSAGES] : []
  const accounted = (): number =>
    new Set([...told.handled.keys(), ...told.poison, ...told.deleted, ...lost]).size
  await until(async () => accounted() === MESSAGES && (await pending()) === 0)
  over = true
  const died = kills
  for (const child of [...running]) child.kill('SIGKILL')
  await Promise.all(kept)
  const { anomalies } = await store.scan()
  const [group] = (await store.groups?.list()) ?? []
  console.log(
    `${MESSAGES} messages, ${died} consumers died, ${trimmed} trimmed meanwhile, ${told.doubles} doubles, ${told.refused} refused`,
  )
  // What somebody deleted, a scan tells, whether or not it was handled before.
  expect(gone).toBe(true)
  expect(anomalies).toMatchObject([
    { code: 'sequence_gap', seq: { first: MESSAGES, last: MESSAGES } },
  ])
  expect([...told.poison]).toEqual([poison])
  expect(await client.xlen(`${KEY}:poison:run`)).toBe(1)
  expect([...told.deleted].every((seq) => seq === MESSAGES)).toBe(true)
  expect(told.vanished.length).toBeGreaterThan(0)
  expect(group).toMatchObject({ pending: 0, lag: { records: 0 }, poison: 1 })
  expect(died).toBeGreaterThanOrEqual(KILLS)
  // Behind the place where the group was made again all is delivered once more.
  const behind = Math.min(...told.vanished)
  const again = [...beforeDestroyed].filter((seq) => seq > behind).length
  expect(told.doubles - again).toBeLessThanOrEqual(died * BATCH)
  await store.close()
})
