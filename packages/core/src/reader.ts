import {
  PapyraError,
  throwIfAborted,
  type AuditRecord,
  type Backend,
  type DeadLetterRecord,
  type EventRecord,
  type RecordKind,
  type ReadQuery,
  type StoredRecord,
} from '@papyra/contracts'
import {
  decodeAudit,
  decodeDeadLetter,
  decodeEvent,
  decodeRecord,
  type AnyRecord,
} from './decode.js'
import { schemaIssues, type PapyraSchemas, type SchemaMismatch } from './schemas.js'
import { tell } from './tell.js'
import { readVisible, type RetentionView } from './visible.js'
import { compileWhere, type Where } from './where.js'

/** What every list takes. The limit counts after all conditions and after retention. */
export interface ListQuery<Item> {
  /** Only records at or after this time, in ms. Records without a usable time match no time. */
  readonly since?: number
  /** Only records before this time, in ms. */
  readonly until?: number
  /** At most so many records. */
  readonly limit?: number
  /** Default `oldest`. */
  readonly order?: 'oldest' | 'newest'
  /** A function, or dotted paths into the payload with the values they must have. */
  readonly where?: Where<Item>
  readonly signal?: AbortSignal
  /** Told of each stretch of damage passed over. Default: the list throws `anomalies_found` there. */
  readonly onDamage?: NonNullable<ReadQuery['onDamage']>
}

export interface EventQuery<Item = EventRecord, Type extends string = string>
  extends ListQuery<Item> {
  /** Only events of this type, or of one of these. */
  readonly type?: Type | readonly Type[]
  /** Only events about this actor: its address as text, or the JSON of what is stored there. */
  readonly actor?: string
}

export interface DeadLetterQuery<Item = DeadLetterRecord, Type extends string = string>
  extends ListQuery<Item> {
  /** Only messages of this type, or of one of these. */
  readonly type?: Type | readonly Type[]
  /** Only messages for this target: its address as text, or the JSON of what is stored there. */
  readonly target?: string
}

export interface ReaderOptions {
  /** How retention is applied; asked once for each list, when it begins. */
  view(): RetentionView
  readonly schemas?: PapyraSchemas
  readonly onSchemaMismatch?: (mismatch: SchemaMismatch) => void
}

/** How one list is made of stored records. */
interface ListPlan<Item> {
  readonly kinds: readonly RecordKind[]
  readonly query: ListQuery<Item>
  /** False only if the record cannot match, as far as its text tells. */
  readonly maybe: (record: StoredRecord) => boolean
  readonly decode: (record: StoredRecord) => Item | null
  readonly matches: (record: Item) => boolean
}

const ALL_KINDS: readonly RecordKind[] = ['event', 'audit', 'dead_letter']

/** Lists the facts of a store, with retention and conditions applied: once for every backend. */
export class Reader {
  readonly #backend: Backend
  readonly #options: ReaderOptions

  constructor(backend: Backend, options: ReaderOptions) {
    this.#backend = backend
    this.#options = options
  }

  listEvents(query: EventQuery = {}): AsyncIterable<EventRecord> {
    const types = namesOf(query.type)
    const { actor } = query
    return this.#list({
      kinds: ['event'],
      query,
      maybe: mentions(types),
      decode: decodeEvent,
      matches: (event) =>
        (types === null || types.includes(event.type)) &&
        (actor === undefined || isAddress(event.actor, actor)),
    })
  }

  listAudits(query: ListQuery<AuditRecord> = {}): AsyncIterable<AuditRecord> {
    const matches = (): boolean => true
    return this.#list({ kinds: ['audit'], query, maybe: matches, decode: decodeAudit, matches })
  }

  listDeadLetters(query: DeadLetterQuery = {}): AsyncIterable<DeadLetterRecord> {
    const types = namesOf(query.type)
    const { target } = query
    return this.#list({
      kinds: ['dead_letter'],
      query,
      maybe: mentions(types),
      decode: decodeDeadLetter,
      matches: (letter) =>
        (types === null || types.includes(letter.messageType)) &&
        (target === undefined || isAddress(letter.target, target)),
    })
  }

  /** All facts of the kinds that this version knows. */
  list(query: ListQuery<AnyRecord> = {}): AsyncIterable<AnyRecord> {
    const matches = (): boolean => true
    return this.#list({ kinds: ALL_KINDS, query, maybe: matches, decode: decodeRecord, matches })
  }

  async *#list<Item extends AnyRecord>(plan: ListPlan<Item>): AsyncGenerator<Item> {
    const { query } = plan
    checkQuery(query)
    const { limit = Number.POSITIVE_INFINITY, order = 'oldest' } = query
    const holds = compileWhere(query.where, (record: Item) =>
      record.kind === 'audit' ? record : record.payload,
    )
    let given = 0
    const visible = { ...pickRead(query), kinds: plan.kinds, order }
    for await (const record of readVisible(this.#backend, visible, this.#options.view())) {
      throwIfAborted(query.signal)
      if (!plan.maybe(record)) continue
      const item = plan.decode(record)
      if (item === null || !plan.matches(item) || !holds(item)) continue
      await this.#report(item)
      yield item
      given += 1
      if (given >= limit) return
    }
  }

  async #report(item: AnyRecord): Promise<void> {
    const { schemas, onSchemaMismatch } = this.#options
    if (item.kind === 'audit' || schemas === undefined || onSchemaMismatch === undefined) return
    const { seq, kind, payload } = item
    const type = item.kind === 'event' ? item.type : item.messageType
    const issues = await schemaIssues(schemas, { kind, type, payload })
    if (issues.length > 0) tell(onSchemaMismatch, { seq, kind, type, issues })
  }
}

function checkQuery(query: ListQuery<never>): void {
  const { limit, order, since, until } = query
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
    throw new PapyraError('invalid_argument', '`limit` must be a positive whole number.')
  }
  if (order !== undefined && order !== 'oldest' && order !== 'newest') {
    throw new PapyraError('invalid_argument', '`order` must be `oldest` or `newest`.')
  }
  for (const [name, value] of [
    ['since', since],
    ['until', until],
  ] as const) {
    if (value !== undefined && (typeof value !== 'number' || Number.isNaN(value))) {
      throw new PapyraError('invalid_argument', `\`${name}\` must be a time in ms since 1970.`)
    }
  }
}

function pickRead({ since, until, signal, onDamage }: ListQuery<never>): Omit<ReadQuery, 'order'> {
  return {
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(signal === undefined ? {} : { signal }),
    ...(onDamage === undefined ? {} : { onDamage }),
  }
}

function namesOf(type: string | readonly string[] | undefined): readonly string[] | null {
  if (type === undefined) return null
  return typeof type === 'string' ? [type] : type
}

/** Saves parsing: where nothing is escaped, a text that is in a record is in its JSON as it is. */
function mentions(names: readonly string[] | null): (record: StoredRecord) => boolean {
  if (names === null) return () => true
  return ({ json }) => json.includes('\\') || names.some((name) => json.includes(name))
}

function isAddress(stored: unknown, wanted: string): boolean {
  return typeof stored === 'string' ? stored === wanted : JSON.stringify(stored) === wanted
}
