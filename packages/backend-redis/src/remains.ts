import { randomUUID } from 'node:crypto'
import { PapyraError, type Clock } from '@papyra/contracts'
import type { Argument, Connection, Reply } from './connection.js'
import { bytes, decodeEntry, list, seedOf, text, type Entry } from './entry.js'
import { KINDS, type Keys } from './keys.js'
import { newMeta, readMeta, type Meta } from './meta.js'
import { restoreScript } from './scripts/create.js'
import { Store, type Identity, type Look, type Maintained, type StoreOptions } from './store.js'
import { unseed } from './unseed.js'

/** At either end of a stream so many entries are looked at. */
const LOOKED_AT = 100
/** Ids that the server makes of the time are above it; numbers of ours are not. */
const ABOVE_ALL = 100_000_000_000

/** What is left of a store whose `:meta` is gone: what its streams tell, until it is written. */
export class Remains extends Store {
  readonly #fields: readonly Argument[]
  #restored = false

  constructor(connection: Connection, keys: Keys, clock: Clock, found: Found & StoreOptions) {
    super(connection, keys, clock, found)
    this.#fields = found.fields
  }

  override async meta(): Promise<Meta> {
    if (this.#restored) return super.meta()
    const words = this.#fields.map((word) => Buffer.from(String(word)))
    const meta = readMeta(words, this.location)
    if (meta === null) throw this.replaced('its `:meta` is gone')
    return { ...meta, rebuilt: true }
  }

  override async look(): Promise<Look> {
    return this.#restored ? super.look() : this.lookAt(await this.meta())
  }

  /** Before it is written nothing can be changed; counts of runs have no place. */
  override async maintainHeld(
    meta: Pick<Meta, 'rev'> | null,
    streams: readonly string[],
    words: readonly Argument[],
  ): Promise<Maintained> {
    if (this.#restored) return super.maintainHeld(meta, streams, words)
    if (meta === null) return { rev: '0', held: null, unhandled: new Map() }
    throw new PapyraError('store_not_found', `The \`:meta\` of ${this.location} is gone.`, {
      hint: 'Recover the store first.',
      details: { location: this.location },
    })
  }

  override async restore(): Promise<void> {
    const [status] = list(await this.connection.run(restoreScript, [this.keys.meta], this.#fields))
    if (text(status) !== 'made') throw this.replaced('somebody made another `:meta`')
    this.#restored = true
  }
}

export interface Found extends Identity {
  readonly fields: readonly Argument[]
}

/** What the streams tell of their store; `null` if no entry of them is one of a store. */
export async function findRemains(
  connection: Connection,
  keys: Keys,
  now: number,
): Promise<Found | null> {
  const ends = new Map<string, readonly Reply[]>()
  for (const kind of KINDS) ends.set(kind, await endsOf(connection, keys.stream(kind)))
  const seed = seedIn(ends)
  if (seed === null) return null
  const logId = randomUUID()
  const fields = [...newMeta(logId, now), 'seed', String(seed)]
  let [seq, epoch] = [0, 0]
  for (const [kind, entries] of ends) {
    const sound = entries.map((one) => decodeEntry(kind, seed, one)).filter(isSound)
    const last = sound.at(-1)
    seq = Math.max(seq, last?.seq ?? 0, await topOf(connection, keys.stream(kind)))
    epoch = Math.max(epoch, ...entries.map(epochOf))
    if (last?.totals == null) continue
    fields.push(`added:${kind}`, last.totals.records, `bytes:${kind}`, last.totals.bytes)
    fields.push(...(await groupsOf(connection, keys.stream(kind), kind)))
  }
  for (const row of list(await connection.ask('HVALS', keys.writers))) {
    const [, at, last] = /^(\d+):\d+:(\d+):/.exec(text(row)) ?? []
    epoch = Math.max(epoch, Number(at ?? 0))
    seq = Math.max(seq, Number(last ?? 0))
  }
  return { logId, seed, fields: [...fields, 'seq', seq, 'epoch', epoch] }
}

function isSound({ record }: Entry): boolean {
  return record !== null
}

async function endsOf(connection: Connection, key: string): Promise<readonly Reply[]> {
  const first = list(await connection.ask('XRANGE', key, '-', '+', 'COUNT', LOOKED_AT))
  const last = list(await connection.ask('XREVRANGE', key, '+', '-', 'COUNT', LOOKED_AT))
  return [...first, ...last.toReversed()]
}

/** What most of the entries say that their checksums start from: the name of the log is gone. */
function seedIn(ends: ReadonlyMap<string, readonly Reply[]>): number | null {
  const votes = new Map<number, number>()
  for (const [kind, entries] of ends) {
    for (const entry of entries) {
      const [mark, body] = list(list(entry)[1])
      const [, key, crc] = /^([0-9a-f]+:[0-9]+:[1-9][0-9]*:)([0-9a-f]{8}):/.exec(text(mark)) ?? []
      if (key === undefined || crc === undefined) continue
      const whole = Buffer.concat([Buffer.from(`${kind}\n${key}`), bytes(body)])
      const seed = unseed(whole, Number.parseInt(crc, 16))
      votes.set(seed, (votes.get(seed) ?? 0) + 1)
    }
  }
  const [best] = [...votes].toSorted(([, a], [, b]) => b - a)
  return best?.[0] ?? null
}

function epochOf(entry: Reply): number {
  const mark = text(list(list(entry)[1])[0])
  return Number(/^[0-9a-f]+:([0-9]{1,15}):/.exec(mark)?.[1] ?? 0)
}

/** The last number of ours that a stream gave, also if its record is gone. */
async function topOf(connection: Connection, key: string): Promise<number> {
  if ((await connection.ask('EXISTS', key)) !== 1) return 0
  const info = list(await connection.ask('XINFO', 'STREAM', key))
  const at = info.findIndex((one) => text(one) === 'last-generated-id')
  const [seq, sub] = text(info[at + 1])
    .split('-')
    .map(Number)
  return sub === 0 && seq !== undefined && seq < ABOVE_ALL ? seq : 0
}

/** How far each group of a stream has handled all. */
async function groupsOf(connection: Connection, key: string, kind: string): Promise<Argument[]> {
  const words: Argument[] = []
  for (const row of list(await connection.ask('XINFO', 'GROUPS', key))) {
    const flat = list(row).map((one) => text(one))
    const name = flat[flat.indexOf('name') + 1] ?? ''
    const [, first] = list(await connection.ask('XPENDING', key, name)).map((one) => text(one))
    const delivered = Number(flat[flat.indexOf('last-delivered-id') + 1]?.split('-')[0] ?? 0)
    const done = first === undefined || first === '' ? delivered : Number(first.split('-')[0]) - 1
    words.push(`group:${kind}:${name}:done`, done)
  }
  return words
}

/** By what a store is known that has a `:meta`. */
export function identityOf({ logId, seed }: Meta): Identity {
  return { logId, seed: seed ?? seedOf(logId) }
}
