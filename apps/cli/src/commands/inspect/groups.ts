import { PapyraError, type Backend, type GroupsPort, type PendingRecord } from '@papyra/contracts'
import type { Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { ageText } from '../../output/format.js'
import { showGroups } from '../../output/groups-view.js'
import { tableLines } from '../../output/table.js'
import { resolveStore, withBackend } from '../../store.js'

/** `papyra inspect groups`: the consumer groups of a store. */
export async function run(context: Context): Promise<number> {
  const { args, io, out } = context
  const [kind, group] = [args.text('kind'), args.text('group')]
  const which = { ...(kind !== undefined && { kind }), ...(group !== undefined && { group }) }
  const store = await resolveStore(context)
  return withBackend(context, store, 'read', async (backend) => {
    const port = groupsOf(backend)
    if (args.flag('pending')) return listPending(context, port, { kind, group })
    const groups = await port.list(which)
    await showGroups(out, groups, io.clock.now())
    await out.document('papyra.groups/1', EXIT.ok, { location: store.definition.location, groups })
    return EXIT.ok
  })
}

async function listPending(
  { args, out }: Context,
  port: GroupsPort,
  {
    kind = 'event',
    group,
  }: { readonly kind: string | undefined; readonly group: string | undefined },
): Promise<number> {
  if (group === undefined) {
    throw new PapyraError('invalid_argument', '--pending lists one group: name it with --group.')
  }
  const limit = args.count('limit') ?? 100
  const rows: PendingRecord[] = []
  let more = false
  for await (const row of port.pending({ kind, group })) {
    if (rows.length === limit) {
      more = true
      break
    }
    rows.push(row)
  }
  const cells = rows.map(({ seq, consumer, idleMs, deliveries }) => [
    ...[String(seq), String(deliveries)],
    ...[ageText(idleMs), consumer],
  ])
  await out.lines(tableLines(['RECORD', 'DELIVERIES', 'IDLE', 'CONSUMER'], cells))
  if (more) await out.note(`only the first ${limit} are listed; --limit lists more`)
  await out.document('papyra.pending/1', EXIT.ok, { kind, group, pending: rows, more })
  return EXIT.ok
}

/** The port of a backend. Throws `unsupported` if it has no groups. */
export function groupsOf(backend: Backend): GroupsPort {
  if (backend.groups !== undefined) return backend.groups
  throw new PapyraError('unsupported', `The backend ${backend.name} has no consumer groups.`)
}
