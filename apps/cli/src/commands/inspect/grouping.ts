import { PapyraError, type StoredRecord } from '@papyra/contracts'
import { readChoice } from '../../args/values.js'
import type { Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { countText, timeText } from '../../output/format.js'
import { tableLines } from '../../output/table.js'
import { resolveStore, withBackend } from '../../store.js'
import { readFilters } from './filters.js'
import { readStore } from './reading.js'
import { addressText, membersOf } from './record.js'

const FIELDS = ['target', 'type', 'reason'] as const
type Field = (typeof FIELDS)[number]

const MEMBERS: Readonly<Record<Field, string>> = {
  target: 'target',
  type: 'message_type',
  reason: 'reason',
}

interface Group {
  /** In the order of the fields; `null` where a letter has none. */
  readonly values: readonly (string | null)[]
  count: number
  first: number | null
  last: number | null
  lastSeq: number
  /** What the sender of the last one called it, for a replay. */
  lastId: string | null
}

/** Groups beyond which dead letters are counted together: the answer stays small. */
const MOST_GROUPS = 10_000

/** `target,reason`: each field once. Throws `invalid_argument`. */
export function readGroupFields(text: string): readonly Field[] {
  const fields = text.split(',').map((field) => readChoice('--group-by', field, FIELDS))
  return [...new Set(fields)]
}

/** `papyra inspect dead-letters --group-by target,reason`: the largest group first. */
export async function groupLetters(context: Context, by: readonly Field[]): Promise<number> {
  const { args, out } = context
  for (const flag of ['follow', 'reverse']) {
    if (!args.flag(flag)) continue
    throw new PapyraError('invalid_argument', `--group-by cannot be combined with --${flag}.`)
  }
  const filters = readFilters(context)
  const limit = args.count('limit') ?? 100
  const groups = new Groups(by)
  const store = await resolveStore(context)
  const wanted = {
    ...{ kind: 'dead_letter', filters, reverse: false },
    ...{ limit: Number.POSITIVE_INFINITY, all: args.flag('all') },
  }
  return withBackend(context, store, 'read', async (backend) => {
    const reading = await readStore(context, store, backend, wanted)
    let first = 0
    for await (const record of reading.records) {
      if (first === 0) first = record.seq
      const members = membersOf(record)
      if (filters.matches(record, members)) groups.count(record, members)
    }
    const hidden = await reading.hidden(first, true)
    if (hidden !== null)
      await out.note(
        `retention (${hidden}) hides older records that compaction has not deleted yet; --all counts them`,
      )
    const exitCode = reading.damaged() ? EXIT.anomalies : EXIT.ok
    await show(context, by, groups, limit)
    await out.document('papyra.dead-letter-groups/1', exitCode, groups.report(limit))
    return exitCode
  })
}

class Groups {
  readonly by: readonly Field[]
  readonly #groups = new Map<string, Group>()
  #total = 0
  #others = 0

  constructor(by: readonly Field[]) {
    this.by = by
  }

  count(record: StoredRecord, members: ReadonlyMap<string, unknown>): void {
    this.#total += 1
    const values = this.by.map((field) => textOf(field, members.get(MEMBERS[field])))
    const key = JSON.stringify(values)
    let group = this.#groups.get(key)
    if (group === undefined) {
      if (this.#groups.size >= MOST_GROUPS) {
        this.#others += 1
        return
      }
      group = { values, count: 0, first: null, last: null, lastSeq: 0, lastId: null }
      this.#groups.set(key, group)
    }
    group.count += 1
    group.lastSeq = record.seq
    group.lastId = idOf(members.get('payload'))
    if (!Number.isFinite(record.timestamp)) return
    group.first = Math.min(group.first ?? record.timestamp, record.timestamp)
    group.last = Math.max(group.last ?? record.timestamp, record.timestamp)
  }

  /** The largest first; of equal ones that with the newest letter. */
  largest(limit: number): readonly Group[] {
    return [...this.#groups.values()]
      .sort((a, b) => b.count - a.count || b.lastSeq - a.lastSeq)
      .slice(0, limit)
  }

  report(limit: number): object {
    const groups = this.largest(limit).map(({ values, ...figures }) => ({
      ...Object.fromEntries(this.by.map((field, i) => [field, values[i]])),
      ...figures,
    }))
    return {
      by: this.by,
      records: this.#total,
      groupsTotal: this.size,
      others: this.#others,
      groups,
    }
  }

  get size(): number {
    return this.#groups.size
  }

  /** Dead letters that are in no group, because there were too many groups. */
  get others(): number {
    return this.#others
  }
}

function textOf(field: Field, stored: unknown): string | null {
  if (stored === undefined || stored === null) return null
  if (field === 'target') return addressText(stored)
  return typeof stored === 'string' ? stored : JSON.stringify(stored)
}

function idOf(payload: unknown): string | null {
  if (typeof payload !== 'object' || payload === null || !Object.hasOwn(payload, 'id')) return null
  const { id } = payload as { id: unknown }
  return typeof id === 'string' ? id : null
}

async function show(
  { out }: Context,
  by: readonly Field[],
  groups: Groups,
  limit: number,
): Promise<void> {
  const rows = groups
    .largest(limit)
    .map(({ values, count, first, last, lastSeq }) => [
      countText(count),
      ...[timeText(first), timeText(last), String(lastSeq)],
      ...values.map((value) => value ?? '-'),
    ])
  if (rows.length === 0) {
    await out.note('no records match')
    return
  }
  const names = by.map((field) => field.toUpperCase())
  await out.lines(tableLines(['RECORDS', 'FIRST', 'LAST', 'LAST RECORD', ...names], rows))
  const more = groups.size - rows.length
  if (more > 0) await out.line(`... and ${countText(more)} more groups (--limit N)`)
  if (groups.others > 0) {
    await out.line(`... and ${countText(groups.others)} records of too many other groups`)
  }
}
