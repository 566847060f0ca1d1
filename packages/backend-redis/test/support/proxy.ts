import { createConnection, createServer, type Server, type Socket } from 'node:net'

/** What becomes of the link once so many bytes have passed in a direction. */
export interface Fault {
  readonly direction: 'request' | 'reply'
  /** Bytes of that direction that still pass, counted over all connections from now on. */
  readonly after: number
  /**
   * `cut` ends both sides. `swallow` drops the rest of that direction in silence, then cuts after a
   * while. `half_open` drops both directions in silence and never ends.
   */
  readonly how: 'cut' | 'swallow' | 'half_open'
}

/** A TCP proxy in front of a server that can fail at a given byte. */
export class TestProxy {
  readonly #server: Server
  readonly #target: number
  readonly #links = new Set<Link>()
  #fault: Fault | null = null
  #passed = 0
  #faults = 0
  #refuse = false

  private constructor(server: Server, target: number) {
    this.#server = server
    this.#target = target
  }

  static async before(target: number): Promise<TestProxy> {
    const server = createServer()
    const proxy = new TestProxy(server, target)
    server.on('connection', (socket) => proxy.#connected(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** How many faults have come true. */
  get faults(): number {
    return this.#faults
  }

  plan(fault: Fault): void {
    this.#fault = fault
    this.#passed = 0
  }

  get pending(): boolean {
    return this.#fault !== null
  }

  /** Ends every connection, and refuses new ones until `restore`. */
  down(): void {
    this.#refuse = true
    for (const link of [...this.#links]) link.end()
  }

  restore(): void {
    this.#refuse = false
    this.#fault = null
  }

  async close(): Promise<void> {
    for (const link of [...this.#links]) link.end()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #connected(client: Socket): void {
    if (this.#refuse) {
      client.destroy()
      return
    }
    const link: Link = new Link(client, createConnection(this.#target, '127.0.0.1'), {
      pass: (direction, bytes) => this.#pass(link, direction, bytes),
      ended: () => this.#links.delete(link),
    })
    this.#links.add(link)
  }

  /** How many of these bytes go on. */
  #pass(link: Link, direction: Fault['direction'], bytes: number): number {
    const fault = this.#fault
    if (fault === null || fault.direction !== direction) return bytes
    this.#passed += bytes
    if (this.#passed <= fault.after) return bytes
    this.#fault = null
    this.#faults += 1
    link.fail(fault)
    return bytes - (this.#passed - fault.after)
  }
}

interface Guard {
  pass(direction: Fault['direction'], bytes: number): number
  ended(): void
}

class Link {
  readonly #client: Socket
  readonly #server: Socket
  readonly #guard: Guard
  #dropped: ReadonlySet<Fault['direction']> = new Set()

  constructor(client: Socket, server: Socket, guard: Guard) {
    this.#client = client
    this.#server = server
    this.#guard = guard
    client.on('data', (chunk) => this.#forward('request', chunk, server))
    server.on('data', (chunk) => this.#forward('reply', chunk, client))
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      socket.on('error', () => this.end())
      socket.on('close', () => this.end())
    }
  }

  fail({ how, direction }: Fault): void {
    if (how === 'swallow') {
      this.#dropped = new Set([direction])
      setTimeout(() => this.end(), 100)
    } else if (how === 'half_open') this.#dropped = new Set(['request', 'reply'])
    // What was let through before the fault is on its way first.
    else setImmediate(() => this.end())
  }

  end(): void {
    this.#client.destroy()
    this.#server.end()
    this.#guard.ended()
  }

  #forward(direction: Fault['direction'], chunk: Buffer, to: Socket): void {
    if (this.#dropped.has(direction)) return
    const bytes = this.#guard.pass(direction, chunk.length)
    if (bytes > 0) to.write(chunk.subarray(0, bytes))
  }
}
