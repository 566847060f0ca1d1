import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { jsonBackend } from '@papyra/backend-json'
import { openPapyra } from '@papyra/core'
import { bundleForNode } from '@papyra/build-config/bundle'
import { expect, test } from 'vitest'

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function status(url: string): Promise<number> {
  return fetch(url).then(
    (response) => response.status,
    () => 0,
  )
}

test('the service answers probes, and on SIGTERM ends in order with every promised fact stored', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'papyra-service-'))
  const log = join(dir, 'shop.ndjson')
  const port = await freePort()
  const bundle = await bundleForNode(new URL('../src/service.ts', import.meta.url))
  const service = spawn(process.execPath, [bundle, log, '--listen', String(port)])
  const ended = once(service, 'close')
  let printed = ''
  service.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
  })
  const base = `http://127.0.0.1:${port}`
  while (service.exitCode === null && (await status(`${base}/readyz`)) !== 200) await pause(5)
  while (service.exitCode === null && !printed.includes('\n')) await pause(5)
  const metrics = await (await fetch(`${base}/metrics`)).text()
  expect(metrics).toContain('papyra_service_ready{')
  service.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  const papyra = await openPapyra({ systemId: 'shop', backend: jsonBackend({ path: log }) })
  const stored = new Map<number, string>()
  for await (const { seq, type } of papyra.listEvents()) stored.set(seq, type)
  await papyra.close()
  const promised = printed
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { seq: number }).seq)
  expect(promised.length).toBeGreaterThan(0)
  expect(promised.filter((seq) => !stored.get(seq)?.startsWith('order.'))).toEqual([])
  expect([...stored.values()].filter((type) => type === 'actor.stopped')).toHaveLength(2)
  expect([...stored.values()].at(-1)).toBe('system.stopped')
  await rm(dir, { recursive: true })
})
