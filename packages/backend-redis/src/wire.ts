/** What a server answers: RESP2, every text as bytes. */
export type Reply = null | number | Buffer | readonly Reply[]
export type Argument = string | number | Buffer

/** The part of an ioredis client that is used; one object is one connection, never made anew. */
export interface RedisLike {
  connect(): Promise<unknown>
  disconnect(): void
  callBuffer(command: string, ...args: Argument[]): Promise<unknown>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
}

/** Where a server listens. */
export interface Address {
  readonly host: string
  readonly port: number
}
