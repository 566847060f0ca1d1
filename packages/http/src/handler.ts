import { PapyraError } from '@papyra/contracts'
import { preferred } from './accept.js'
import { CONTENT_TYPES, renderFamilies, type Format } from './exposition.js'
import { collectFamilies } from './families.js'
import type { Health } from './health.js'

const NO_STORE = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const

export const ENDPOINTS = ['livez', 'readyz', 'startupz', 'metrics'] as const
export type Endpoint = (typeof ENDPOINTS)[number]

export interface HandlerOptions {
  readonly health: Health
  /** What stands before the endpoints, such as `/internal`. Default: nothing. */
  readonly basePath?: string
  /** Default: all four. Others are answered with 404. */
  readonly endpoints?: readonly Endpoint[]
  /**
   * The label `papyra_store_name`. Default: the system id, and none on the numbers of the service
   * itself, which are told before there is a store.
   */
  readonly storeName?: string
  /** The label `papyra_backend_name`. Default: the backend's name, and none, likewise. */
  readonly backendName?: string
}

/** A web-standard handler, as Hono, Deno and others take it. Never rejects. */
export type WebHandler = (request: Request) => Promise<Response>

/** What is needed of a request. */
export interface Asked {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly accept: string | null
}

/** An answer, for whatever server. */
export interface Answer {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

type Answering = (asked: Asked, json: boolean) => Answer | Promise<Answer>

/**
 * Answers `GET` and `HEAD` of `/livez`, `/readyz`, `/startupz` and `/metrics`: 200, or 503 with a
 * code. Other methods are 405, other paths 404. Throws `invalid_argument` for options that are wrong.
 *
 * @example
 * const handle = healthHandler({ health })
 * const response = await handle(new Request('http://localhost/readyz'))
 */
export function healthHandler(options: HandlerOptions): WebHandler {
  const answer = answering(options)
  return async ({ method, url, headers }) => {
    const { pathname, search } = new URL(url)
    const given = await answer({
      method,
      target: `${pathname}${search}`,
      accept: headers.get('accept'),
    })
    const { status, headers: fields, body } = given ?? NOT_FOUND
    return new Response(method === 'HEAD' ? null : body, { status, headers: fields })
  }
}

export const NOT_FOUND: Answer = textAnswer(404, 'not found')

/** Answers what is asked; `null`, at once, where the path is none of ours. Never rejects. */
export function answering(options: HandlerOptions): (asked: Asked) => Promise<Answer> | null {
  const routes = routesOf(options)
  return (asked) => {
    const [path = '', query = ''] = asked.target.split('?', 2)
    const route = routes.get(path)
    return route === undefined ? null : answerOf(route, asked, query)
  }
}

async function answerOf(route: Answering, asked: Asked, query: string): Promise<Answer> {
  if (asked.method !== 'GET' && asked.method !== 'HEAD') {
    const refused = textAnswer(405, 'method not allowed')
    return { ...refused, headers: { ...refused.headers, allow: 'GET, HEAD' } }
  }
  try {
    return await route(asked, wantsJson(asked.accept, new URLSearchParams(query)))
  } catch {
    // Nothing of an error that is not foreseen may reach the outside.
    return textAnswer(500, 'internal')
  }
}

function wantsJson(accept: string | null, query: URLSearchParams): boolean {
  const format = query.get('format')
  if (format !== null) return format === 'json'
  if (query.has('verbose')) return true
  return preferred(accept, ['text/plain', 'application/json']) === 'application/json'
}

function routesOf({ health, basePath, endpoints, storeName, backendName }: HandlerOptions) {
  const base = checkBase(basePath ?? '')
  const all: Readonly<Record<Endpoint, Answering>> = {
    // Of the process alone: a probe that restarts it must not depend on a store.
    livez: (_, json) => state(true, json, { status: 'ok' }),
    readyz: async (_, json) => {
      const { ready, code } = await health.readiness()
      return state(ready, json, { status: ready ? 'ok' : 'unavailable', code })
    },
    startupz: (_, json) => {
      const status = health.startupStatus()
      return state(status.code === null, json, {
        status: status.code === null ? 'ok' : 'unavailable',
        ...status,
      })
    },
    metrics: async ({ accept, method }) => {
      const families = await collectFamilies(health, { storeName, backendName })
      if (method === 'GET') health.papyra?.noteMetricsRead('scrape')
      return metricsAnswer(renderFamilies(families, formatOf(accept)), accept)
    },
  }
  const routes = new Map<string, Answering>()
  for (const name of endpoints ?? ENDPOINTS) {
    if (!ENDPOINTS.includes(name)) {
      throw new PapyraError('invalid_argument', `There is no endpoint \`${name}\`.`, {
        hint: `Endpoints are ${ENDPOINTS.join(', ')}.`,
      })
    }
    routes.set(`${base}/${name}`, all[name])
  }
  return routes
}

function checkBase(base: string): string {
  const path = base.replace(/\/+$/, '')
  if (path === '' || /^\/[^?#]*$/.test(path)) return path
  throw new PapyraError('invalid_argument', '`basePath` must be a path that begins with `/`.')
}

function formatOf(accept: string | null): Format {
  const type = preferred(accept, ['text/plain', 'application/openmetrics-text'])
  return type === 'text/plain' ? 'text' : 'openmetrics'
}

function metricsAnswer(body: string, accept: string | null): Answer {
  const headers = { 'content-type': CONTENT_TYPES[formatOf(accept)], ...NO_STORE, vary: 'accept' }
  return { status: 200, headers, body }
}

function state(
  good: boolean,
  json: boolean,
  detail: { readonly status: string; readonly code?: string | null },
): Answer {
  const status = good ? 200 : 503
  if (!json) return textAnswer(status, good ? 'ok' : (detail.code ?? detail.status))
  const headers = { 'content-type': 'application/json; charset=utf-8', ...NO_STORE, vary: 'accept' }
  return { status, headers, body: `${JSON.stringify(detail)}\n` }
}

function textAnswer(status: number, text: string): Answer {
  const headers = { 'content-type': 'text/plain; charset=utf-8', ...NO_STORE, vary: 'accept' }
  return { status, headers, body: `${text}\n` }
}
