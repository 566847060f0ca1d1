import { PapyraError, type Clock } from '@papyra/contracts'
import type { Argument, Connection, Reply } from './connection.js'
import { decodeEntry, list, text, type Entry } from './entry.js'
import { KINDS, type Keys } from './keys.js'
import { readMeta, type KindState, type Meta } from './meta.js'
import { lookScript } from './scripts/look.js'
import { maintainScript } from './scripts/maintain.js'

/** A stream as it is at one moment. */
export interface StreamState {
  readonly state: KindState
  /** `false` if there is no such key. */
  readonly exists: boolean
  readonly length: number
  readonly first: Entry | null
  readonly last: Entry | null
  /** The greatest number that an id of it ever had. */
  readonly top: number
  /** The greatest number that was deleted singly; 0 if none was. */
  readonly maxDeleted: number
}

/** What a step of maintenance came to. */
export interface Maintained {
  readonly rev: string
  /** The group of consumers that holds up what was to be done; `null`: it was done. */
  readonly held: string | null
  readonly unhandled: ReadonlyMap<string, number>
}

export interface Look {
  readonly meta: Meta
  readonly streams: readonly StreamState[]
}

/** By what a store is known, and what its checksums start from. */
export interface Identity {
  readonly logId: string
  readonly seed: number
}

export interface StoreOptions extends Identity {
  /** A consumer that has not asked for so long, in ms, is not counted as alive. */
  readonly consumerAliveMs: number
}

/** One store on a server: its keys, and what everything that works on it needs. */
export class Store {
  readonly connection: Connection
  readonly keys: Keys
  readonly clock: Clock
  readonly logId: string
  readonly seed: number
  /** A consumer that has not asked for so long, in ms, is not counted as alive. */
  readonly consumerAliveMs: number

  constructor(connection: Connection, keys: Keys, clock: Clock, options: StoreOptions) {
    const { logId, seed, consumerAliveMs } = options
    this.connection = connection
    this.keys = keys
    this.clock = clock
    this.logId = logId
    this.seed = seed
    this.consumerAliveMs = consumerAliveMs
  }

  get location(): string {
    return this.connection.location
  }

  /** Reads meta. Rejects with `store_replaced` if it is gone or another store's. */
  async meta(): Promise<Meta> {
    const meta = readMeta(await this.connection.ask('HGETALL', this.keys.meta), this.location)
    return this.#ours(meta)
  }

  /** Meta and the ends of all streams, at one moment. */
  async look(): Promise<Look> {
    return this.lookAt(null)
  }

  /** The same with a `:meta` that is not there. */
  protected async lookAt(known: Meta | null): Promise<Look> {
    let kinds: readonly string[] = KINDS
    for (;;) {
      const answer = await this.#look(kinds)
      const meta = known ?? this.#ours(readMeta(list(answer)[0] ?? null, this.location))
      const all = meta.kinds.map(({ kind }) => kind)
      if (all.every((kind) => kinds.includes(kind))) {
        const streams = meta.kinds.map((state) => {
          const at = kinds.indexOf(state.kind)
          return this.#stream(state, list(answer)[at + 1] ?? null)
        })
        return { meta, streams }
      }
      kinds = all
    }
  }

  /** Before a recovery changes anything: writes what must be there first. */
  async restore(): Promise<void> {}

  /**
   * One step of maintenance, decided on the revision of `meta`. Rejects with `stale_plan` if another
   * process came between, with `store_replaced` if the store is another.
   */
  async maintain(
    meta: Pick<Meta, 'rev'> | null,
    streams: readonly string[],
    words: readonly Argument[],
  ): Promise<string> {
    const done = await this.maintainHeld(meta, streams, words)
    if (done.held === null) return done.rev
    throw this.#stale()
  }

  /**
   * The same for a step that a group of consumers may hold up: then nothing was done, and `held` names
   * it. `unhandled` is what was tallied, by group.
   */
  async maintainHeld(
    meta: Pick<Meta, 'rev'> | null,
    streams: readonly string[],
    words: readonly Argument[],
  ): Promise<Maintained> {
    const { keys } = this
    const reply = await this.connection.run(
      maintainScript,
      [keys.meta, keys.aside, ...streams],
      [this.logId, meta === null ? '' : meta.rev, ...words],
    )
    const [status, second = '', ...more] = list(reply).map((part) => text(part))
    if (status === 'ok') {
      const unhandled = new Map<string, number>()
      for (let at = 0; at < more.length; at += 2)
        unhandled.set(more[at] ?? '', Number(more[at + 1]))
      return { rev: second, held: null, unhandled }
    }
    if (status === 'held') return { rev: meta?.rev ?? '', held: second, unhandled: new Map() }
    if (status === 'replaced') throw this.replaced('its `:meta` is gone, or that of another store')
    throw this.#stale()
  }

  #stale(): PapyraError {
    const why = 'Another process compacted or recovered the store meanwhile.'
    return new PapyraError('stale_plan', why, { details: { location: this.location } })
  }

  replaced(
    why: string,
    details: Readonly<Record<string, number | string | null>> = {},
  ): PapyraError {
    return new PapyraError(
      'store_replaced',
      `The store at ${this.location} was replaced: ${why}.`,
      {
        hint: 'Look for what deleted, restored or trimmed the keys, scan the store, and open it again.',
        details: { location: this.location, ...details },
      },
    )
  }

  #ours(meta: Meta | null): Meta {
    if (meta === null) throw this.replaced('its `:meta` is gone')
    if (meta.logId === this.logId) return meta
    throw this.replaced('another store is there now', { logId: meta.logId, expected: this.logId })
  }

  async #look(kinds: readonly string[]): Promise<Reply> {
    const { keys, connection } = this
    return connection.askScript(lookScript, [keys.meta, ...kinds.map((kind) => keys.stream(kind))])
  }

  #stream(state: KindState, reply: Reply): StreamState {
    const [length, first, last, top, maxDeleted] = list(reply)
    const exists = typeof length === 'number' && length >= 0
    const entry = (entries: Reply | undefined): Entry | null => {
      const [one] = list(entries)
      return one === undefined ? null : decodeEntry(state.kind, this.seed, one)
    }
    return {
      state,
      exists,
      length: exists ? length : 0,
      first: entry(first),
      last: entry(last),
      top: numberOf(top),
      maxDeleted: numberOf(maxDeleted),
    }
  }
}

function numberOf(id: Reply | undefined): number {
  return Number(text(id).split('-')[0] ?? 0)
}
