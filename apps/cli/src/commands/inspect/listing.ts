import { PapyraError, type Backend } from '@papyra/contracts'
import type { Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { groupLine } from '../../output/groups-view.js'
import { resolveStore, withBackend, type Store } from '../../store.js'
import { readFilters } from './filters.js'
import { follow } from './follow.js'
import { groupLetters, readGroupFields } from './grouping.js'
import { readStore, type Reading } from './reading.js'
import { RecordPrinter, type Listing } from './record-printer.js'

const KINDS: Readonly<Record<string, string>> = {
  events: 'event',
  audits: 'audit',
  'dead-letters': 'dead_letter',
}

/** `papyra inspect events | audits | dead-letters`: one record a line. */
export async function run(context: Context): Promise<number> {
  const groupBy = context.args.text('group-by')
  if (groupBy !== undefined) return groupLetters(context, readGroupFields(groupBy))
  const listing = readListing(context)
  const store = await resolveStore(context)
  return withBackend(context, store, 'read', (backend) => list(context, store, backend, listing))
}

function readListing(context: Context): Listing {
  const { args, spec } = context
  const kind = KINDS[spec.words[1] ?? ''] ?? ''
  const listing = {
    kind,
    filters: readFilters(context),
    limit: args.count('limit') ?? Number.POSITIVE_INFINITY,
    reverse: args.flag('reverse'),
    follow: args.flag('follow'),
    all: args.flag('all'),
  }
  if (listing.follow && listing.reverse) {
    throw new PapyraError(
      'invalid_argument',
      '--follow shows new records as they come, so it cannot be combined with --reverse.',
    )
  }
  if (listing.follow && listing.filters.until !== undefined) {
    throw new PapyraError(
      'invalid_argument',
      '--follow has no end, so it cannot be combined with --until.',
    )
  }
  return listing
}

async function list(
  context: Context,
  store: Store,
  backend: Backend,
  listing: Listing,
): Promise<number> {
  const { out } = context
  const printer = new RecordPrinter(context, listing)
  const newest = listing.follow ? await newestSeq(backend) : 0
  const reading = await readStore(context, store, backend, listing)
  for await (const record of reading.records) {
    if (!(await printer.take(record))) break
  }
  await printer.flush()
  await tellHidden(context, reading, printer)
  if (listing.follow && printer.wantsMore) {
    const from = Math.max(newest, printer.lastSeq)
    await follow(context, { backend, printer, from, onDamage: reading.onDamage })
  }
  if (printer.printed === 0 && !listing.follow) await out.note('no records match')
  // Whether what is pending goes towards zero is asked of this command.
  for (const group of (await backend.groups?.list({ kind: listing.kind })) ?? []) {
    await out.note(groupLine(group))
  }
  return reading.damaged() ? EXIT.anomalies : EXIT.ok
}

async function newestSeq(backend: Backend): Promise<number> {
  for await (const record of backend.read({ order: 'newest', limit: 1, onDamage: () => {} }))
    return record.seq
  return 0
}

async function tellHidden(
  { out }: Context,
  reading: Reading,
  printer: RecordPrinter,
): Promise<void> {
  const hidden = await reading.hidden(printer.firstSeq, printer.wantsMore)
  if (hidden !== null) {
    await out.note(
      `retention (${hidden}) hides older records that compaction has not deleted yet; --all shows them`,
    )
  }
}
