import { createServer, request, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Got {
  readonly status: number
  readonly body: string
  readonly headers: { readonly [name: string]: string | string[] | undefined }
}

export interface Listening {
  readonly server: Server
  readonly port: number
  get(path: string, how?: { method?: string; headers?: Record<string, string> }): Promise<Got>
  close(): Promise<void>
}

/** Listens on a free port of 127.0.0.1. */
export async function listen(handler: RequestListener): Promise<Listening> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return over(server)
}

/** The same for a server that listens already. */
export function over(server: Server): Listening {
  const { port } = server.address() as AddressInfo
  return {
    server,
    port,
    get: (path, how) => get(port, path, how),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function get(
  port: number,
  path: string,
  how: { method?: string; headers?: Record<string, string> } = {},
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false, ...how }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, headers: response.headers }),
      )
      response.on('error', reject)
    })
    asked.on('error', reject)
    asked.end()
  })
}
