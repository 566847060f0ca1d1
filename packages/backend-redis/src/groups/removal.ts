import { PapyraError, type PendingRecord } from '@papyra/contracts'
import { list, text } from '../entry.js'
import type { GroupStore } from './group-store.js'
import { pendingRecords } from './pending.js'
import { actScript } from './scripts.js'

/** At most so many change hands in one step of the server. */
const STEP = 200

interface Heritage {
  readonly consumer: string
  readonly to: string
}

/** Gives records to another consumer, exactly as they were seen; `null` if one is not as it was. */
export async function give(
  group: GroupStore,
  to: string,
  records: readonly PendingRecord[],
): Promise<{ readonly given: number[]; readonly deleted: number[] } | null> {
  const [given, deleted]: [number[], number[]] = [[], []]
  for (let at = 0; at < records.length; at += STEP) {
    const some = records.slice(at, at + STEP)
    const words = some.flatMap(({ seq, consumer, deliveries }) => [seq, consumer, deliveries])
    const [status, went, gone] = list(await group.run(actScript, ['give', to, ...words]))
    if (text(status) === 'none') throw group.notFound()
    if (text(status) !== 'ok') return null
    given.push(...list(went).map((seq) => Number(text(seq))))
    deleted.push(...list(gone).map((seq) => Number(text(seq))))
  }
  return { given, deleted }
}

/** Gives all that a consumer holds to another, whatever it fetches meanwhile. */
export async function giveAll(
  group: GroupStore,
  { consumer, to }: Heritage,
): Promise<{ readonly given: readonly number[]; readonly deleted: readonly number[] }> {
  const [given, deleted]: [number[], number[]] = [[], []]
  for (;;) {
    const held: PendingRecord[] = []
    for await (const page of pendingRecords(group, { consumer })) held.push(...page)
    if (held.length === 0) return { given, deleted }
    // What it acknowledged or fetched in this moment shows when it is looked at again.
    const done = await give(group, to, held)
    given.push(...(done?.given ?? []))
    deleted.push(...(done?.deleted ?? []))
  }
}

/** Removes a consumer that holds nothing. Resolves with false if it holds something. */
export async function leaveIfIdle(group: GroupStore, consumer: string): Promise<boolean> {
  const [status] = list(await group.run(actScript, ['leave', consumer]))
  return text(status) !== 'pending'
}

/** Removes a consumer that holds nothing any more. Rejects with `group_not_found`, `stale_plan`. */
export async function leave(group: GroupStore, consumer: string): Promise<void> {
  const [status] = list(await group.run(actScript, ['leave', consumer]))
  if (text(status) === 'ok') return
  const details = { group: group.group, kind: group.kind, consumer }
  if (text(status) === 'pending') {
    const words = `The consumer ${consumer} fetched records meanwhile; it lives.`
    throw new PapyraError('stale_plan', words, { details, hint: 'Stop it, and try again.' })
  }
  const words = `There is no consumer ${consumer} in the group ${group.group}.`
  throw new PapyraError('group_not_found', words, { details })
}
