import { PapyraError, type ServerAckLevel } from '@papyra/contracts'
import type { Connection } from './connection.js'
import { list, text } from './entry.js'
import { failureOf } from './redis-errors.js'

/** How long a check of the server's settings is believed, in ms. */
const BELIEVED_MS = 60_000

const WANTED: Readonly<Record<string, string>> = {
  appendonly: 'yes',
  appendfsync: 'always',
  'no-appendfsync-on-rewrite': 'no',
}

/** How many replicas a level asks for; 0 for the other levels. `NaN` for what is no level. */
export function replicasOf(level: string): number {
  if (level === 'acknowledged' || level === 'fsynced') return 0
  return Number(/^replicated\(([1-9][0-9]?)\)$/.exec(level)?.[1] ?? Number.NaN)
}

/** Sees to it that an append is acknowledged only when its level holds. */
export class Acknowledger {
  readonly #connection: Connection
  readonly #level: ServerAckLevel
  readonly #replicas: number
  readonly #waitMs: number
  #checked: {
    readonly connection: number
    readonly at: number
    readonly hasWaitAof: boolean
  } | null = null

  constructor(connection: Connection, level: ServerAckLevel, waitMs: number) {
    this.#connection = connection
    this.#level = level
    this.#replicas = replicasOf(level)
    this.#waitMs = waitMs
  }

  /** Before an append: rejects with `backend_unsuitable` where the server cannot keep the level. */
  async prepare(): Promise<void> {
    if (this.#level !== 'fsynced') return
    const connection = await this.#connection.connect()
    const known = this.#checked
    if (known?.connection === connection && performance.now() - known.at < BELIEVED_MS) return
    const hasWaitAof = await this.#knowsWaitAof()
    if (!hasWaitAof) await this.#requireAlways()
    this.#checked = { connection, at: performance.now(), hasWaitAof }
  }

  /**
   * After an append, on its connection: resolves with how many confirmed it if that is fewer than the
   * level asks for, else with `null`.
   */
  async confirm(): Promise<{ readonly asked: number; readonly got: number } | null> {
    const limit = this.#waitMs + 1000
    if (this.#replicas > 0) {
      const got = Number(await this.#connection.follow(limit, 'WAIT', this.#replicas, this.#waitMs))
      return got >= this.#replicas ? null : { asked: this.#replicas, got }
    }
    if (this.#level !== 'fsynced' || this.#checked?.hasWaitAof !== true) return null
    const [local] = list(await this.#connection.follow(limit, 'WAITAOF', 1, 0, this.#waitMs))
    return local === 1 ? null : { asked: 1, got: 0 }
  }

  /** True if the server has WAITAOF (7.2 and later) and an AOF to wait for. */
  async #knowsWaitAof(): Promise<boolean> {
    try {
      await this.#connection.send('WAITAOF', 0, 0, 1)
    } catch (error) {
      if (failureOf(error)?.outcome === 'refused') return false
      throw error
    }
    return (await this.#setting('appendonly')) !== 'no'
  }

  async #requireAlways(): Promise<void> {
    for (const [name, wanted] of Object.entries(WANTED)) {
      const found = await this.#setting(name)
      if (found === wanted) continue
      const seen = found === null ? 'cannot be read' : `is \`${found}\``
      throw new PapyraError(
        'backend_unsuitable',
        `The level \`fsynced\` cannot be kept: the setting \`${name}\` of the Redis server ${seen}.`,
        {
          hint: `Set \`${name} ${wanted}\`, use Redis 7.2 or later, or ask for another level.`,
          details: { location: this.#connection.location, setting: name, wanted },
        },
      )
    }
  }

  /** A setting of the server; `null` if it will not tell. */
  async #setting(name: string): Promise<string | null> {
    try {
      const [, value] = list(await this.#connection.send('CONFIG', 'GET', name))
      return value === undefined ? null : text(value)
    } catch (error) {
      if (failureOf(error)?.outcome === 'refused') return null
      throw error
    }
  }
}
