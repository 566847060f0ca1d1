import type { StoredRecord } from '@papyra/contracts'
import type { Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { bytesText, countText, timeText } from '../../output/format.js'
import { tableLines } from '../../output/table.js'
import { resolveStore, withBackend } from '../../store.js'
import { readFilters, typeMember } from './filters.js'
import { readStore } from './reading.js'
import { membersOf } from './record.js'

interface Tally {
  records: number
  bytes: number
  first: number | null
  last: number | null
  /** Records without a usable time. */
  undated: number
}

interface KindTally extends Tally {
  readonly types: Map<string, number>
}

/** Kinds of type beyond which they are counted together: a summary stays small, whatever is stored. */
const MOST_TYPES = 10_000

/** `papyra inspect summary`: how many of what, from when to when. */
export async function run(context: Context): Promise<number> {
  const { args, out } = context
  const filters = readFilters(context)
  const limit = args.count('limit') ?? 20
  const kinds = new Map<string, KindTally>()
  const tally = (record: StoredRecord): void => {
    const members = membersOf(record)
    if (filters.matches(record, members)) count(kinds, record, members)
  }
  const wanted = {
    filters,
    reverse: false,
    limit: Number.POSITIVE_INFINITY,
    all: args.flag('all'),
    onOther: tally,
  }
  const store = await resolveStore(context)
  return withBackend(context, store, 'read', async (backend) => {
    const reading = await readStore(context, store, backend, wanted)
    let first = 0
    for await (const record of reading.records) {
      if (first === 0) first = record.seq
      tally(record)
    }
    const hidden = await reading.hidden(first, true)
    if (hidden !== null)
      await out.note(
        `retention (${hidden}) hides older records that compaction has not deleted yet; --all counts them`,
      )
    const exitCode = reading.damaged() ? EXIT.anomalies : EXIT.ok
    await show(context, kinds, limit)
    await out.document('papyra.summary/1', exitCode, report(kinds, limit))
    return exitCode
  })
}

function count(
  kinds: Map<string, KindTally>,
  record: StoredRecord,
  members: ReadonlyMap<string, unknown>,
): void {
  let tally = kinds.get(record.kind)
  if (tally === undefined) {
    tally = { records: 0, bytes: 0, first: null, last: null, undated: 0, types: new Map() }
    kinds.set(record.kind, tally)
  }
  tally.records += 1
  tally.bytes += record.bytes
  if (Number.isFinite(record.timestamp)) {
    tally.first = Math.min(tally.first ?? record.timestamp, record.timestamp)
    tally.last = Math.max(tally.last ?? record.timestamp, record.timestamp)
  } else tally.undated += 1
  const stored = members.get(typeMember(record.kind))
  if (typeof stored !== 'string') return
  const type = tally.types.has(stored) || tally.types.size < MOST_TYPES ? stored : '(other types)'
  tally.types.set(type, (tally.types.get(type) ?? 0) + 1)
}

const commonest = ({ types }: KindTally, limit: number): [string, number][] =>
  [...types].sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1)).slice(0, limit)

async function show(
  { out }: Context,
  kinds: ReadonlyMap<string, KindTally>,
  limit: number,
): Promise<void> {
  const rows = [...kinds].map(([kind, { records, bytes, first, last, undated }]) => [
    kind,
    countText(records),
    bytesText(bytes),
    timeText(first),
    timeText(last),
    String(undated),
  ])
  await out.lines(tableLines(['KIND', 'RECORDS', 'SIZE', 'FIRST', 'LAST', 'UNDATED'], rows))
  for (const [kind, tally] of kinds) {
    const types = commonest(tally, limit)
    if (types.length === 0) continue
    await out.line('')
    await out.lines(
      tableLines(
        [`TYPE (${kind})`, 'RECORDS'],
        types.map(([type, records]) => [type, countText(records)]),
      ),
    )
    const more = tally.types.size - types.length
    if (more > 0) await out.line(`... and ${countText(more)} more types (--limit N)`)
  }
}

function report(kinds: ReadonlyMap<string, KindTally>, limit: number): object {
  const entries = [...kinds].map(([kind, tally]) => {
    const { types, ...numbers } = tally
    return {
      kind,
      ...numbers,
      typesTotal: types.size,
      types: commonest(tally, limit).map(([type, records]) => ({ type, records })),
    }
  })
  return { records: entries.reduce((sum, { records }) => sum + records, 0), kinds: entries }
}
