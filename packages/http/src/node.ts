import type { IncomingMessage, ServerResponse } from 'node:http'
import { answering, NOT_FOUND, type Answer, type HandlerOptions } from './handler.js'

/** A handler for `node:http`, and a middleware for Express and its like. */
export type NodeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: () => void,
) => void

/**
 * `healthHandler` for `node:http`. With `next` it calls that for paths that are not its own; without,
 * it answers them with 404.
 *
 * @example
 * createServer(nodeHealthHandler({ health })).listen(9090, '127.0.0.1')
 */
export function nodeHealthHandler(options: HandlerOptions): NodeHandler {
  const answer = answering(options)
  const handle: NodeHandler = (request, response, next) => {
    const { method = 'GET', url = '/', headers } = request
    const asked = { method, target: url, accept: headers.accept ?? null }
    const given = answer(asked)
    if (given !== null) void given.then((found) => send(response, found))
    else if (next === undefined) send(response, NOT_FOUND)
    else next()
  }
  return handle
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  // Node leaves the body of an answer to HEAD out.
  response.end(body)
}
