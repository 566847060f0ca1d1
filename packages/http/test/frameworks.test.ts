import type { Server } from 'node:http'
import { serve } from '@hono/node-server'
import { memoryBackend, openPapyra } from '@papyra/core'
import { createHealth, healthHandler, type Health } from '@papyra/http'
import { nodeHealthHandler } from '@papyra/http/node'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { parsePrometheus } from './support/prometheus.js'
import { over, type Listening } from './support/server.js'

/** Each has a route of its own, `/mine`, beside the endpoints under `/internal`. */
const FRAMEWORKS: Readonly<Record<string, (health: Health) => Promise<Listening>>> = {
  async express(health) {
    const app = express()
    app.use('/internal', nodeHealthHandler({ health }))
    app.get('/mine', (_, response) => void response.send('mine'))
    const server = await new Promise<Server>((resolve) => {
      const listening: Server = app.listen(0, '127.0.0.1', () => resolve(listening))
    })
    return over(server)
  },
  async fastify(health) {
    const app = fastify()
    const handle = nodeHealthHandler({ health, basePath: '/internal' })
    app.all('/internal/*', (request, reply) => {
      reply.hijack()
      handle(request.raw, reply.raw)
    })
    app.get('/mine', () => 'mine')
    await app.listen({ host: '127.0.0.1', port: 0 })
    return over(app.server)
  },
  async hono(health) {
    const app = new Hono()
    const handle = healthHandler({ health, basePath: '/internal' })
    app.all('/internal/*', (context) => handle(context.req.raw))
    app.get('/mine', (context) => context.text('mine'))
    const server = await new Promise<Server>((resolve) => {
      const listening = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, () =>
        resolve(listening as Server),
      )
    })
    return over(server)
  },
}

test.each(Object.entries(FRAMEWORKS))('inside %s', async (_, start) => {
  const health = createHealth({ cacheMs: 1 })
  const served = await start(health)
  const status = async (name: string) => (await served.get(`/internal/${name}`)).status
  const all = () => Promise.all(['livez', 'readyz', 'startupz', 'metrics'].map(status))
  expect(await all()).toEqual([200, 503, 503, 200])
  const opening = openPapyra({ systemId: 's', backend: memoryBackend(), startup: health.startup })
  const papyra = await health.opening(opening)
  expect(await all()).toEqual([200, 200, 200, 200])
  const metrics = await served.get('/internal/metrics')
  expect(metrics.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(parsePrometheus(metrics.body)).toMatchObject({ problems: [] })
  const head = await served.get('/internal/readyz', { method: 'HEAD' })
  expect([head.status, head.body]).toEqual([200, ''])
  expect((await served.get('/internal/readyz', { method: 'POST' })).status).toBe(405)
  expect((await served.get('/internal/nothing')).status).toBe(404)
  expect((await served.get('/mine')).body).toBe('mine')
  await papyra.close()
  expect((await served.get('/internal/readyz')).body).toBe('closed\n')
  await served.close()
})
