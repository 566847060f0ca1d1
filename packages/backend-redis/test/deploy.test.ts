import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { Finding } from '@papyra/contracts'
import { redisBackend } from '../src/index.js'
import { startRedis } from './support/redis-server.js'
import { begun, event } from './support/stores.js'
import { tell } from './support/topology.js'

const DEPLOY = new URL('../../../deploy/redis/', import.meta.url)

async function linesOf(file: string): Promise<string[]> {
  const text = await readFile(new URL(file, DEPLOY), 'utf8')
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

test('a server with the settings of the recipe keeps `fsynced`, and nothing is found wrong with it', async () => {
  const server = await startRedis(await linesOf('redis.conf'))
  const writer = await begun(redisBackend({ url: server.url, system: 's', ack: 'fsynced' }))
  await writer.append([event(1)])
  const findings: Finding[] = []
  for await (const finding of writer.diagnose?.() ?? []) findings.push(finding)
  expect(findings.length).toBeGreaterThan(3)
  expect(findings.filter(({ state }) => state === 'fail')).toEqual([])
  expect(findings.find(({ id }) => id === 'redis.eviction')).toMatchObject({ state: 'pass' })
  await writer.close()
  await server.stop()
})

test('a sentinel takes the settings of the recipe', async () => {
  const sentinel = await startRedis(await linesOf('sentinel.conf'), { sentinel: true })
  const [first] = (await tell(sentinel.port, 'SENTINEL', 'MASTERS')) as string[][]
  expect(first?.[1]).toBe('shop')
  await sentinel.stop()
})
