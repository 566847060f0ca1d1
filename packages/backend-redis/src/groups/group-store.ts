import { PapyraError } from '@papyra/contracts'
import type { Argument, Connection, Reply } from '../connection.js'
import { list, text } from '../entry.js'
import type { Script } from '../script.js'
import type { Store } from '../store.js'
import { fieldsOf, poisonKey } from './names.js'

/** One group of one store: its keys, and how its scripts are run. */
export class GroupStore {
  readonly store: Store
  readonly kind: string
  readonly group: string
  /** How long something that can be repeated is tried for, in ms. */
  readonly patienceMs: number

  constructor(store: Store, group: { kind: string; group: string }, patienceMs: number) {
    this.store = store
    this.kind = group.kind
    this.group = group.group
    this.patienceMs = patienceMs
  }

  get stream(): string {
    return this.store.keys.stream(this.kind)
  }

  get fields(): string {
    return fieldsOf(this.kind, this.group)
  }

  /** Runs a script of groups. Rejects with `store_replaced` if the store is another one. */
  async run(
    script: Script,
    words: readonly Argument[],
    connection: Connection = this.store.connection,
  ): Promise<Reply> {
    const { store, group, fields } = this
    const keys = [store.keys.meta, this.stream, poisonKey(store.keys, this.kind, group)]
    const reply = await connection.run(script, keys, [store.logId, group, fields, ...words])
    const [first] = list(reply)
    if (Buffer.isBuffer(first) && text(first) === 'replaced') {
      throw store.replaced('its `:meta` is gone, or that of another store')
    }
    return reply
  }

  notFound(): PapyraError {
    const { kind, group, store } = this
    const text = `There is no group ${group} of ${kind} records at ${store.location}.`
    return new PapyraError('group_not_found', text, {
      details: { location: store.location, kind, group },
    })
  }
}
