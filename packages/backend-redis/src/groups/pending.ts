import type { PendingRecord } from '@papyra/contracts'
import type { Reply } from '../connection.js'
import { list, text } from '../entry.js'
import { failureOf } from '../redis-errors.js'
import type { GroupStore } from './group-store.js'

const PAGE = 500

/** What is pending in a group, by number, a page at a time. Rejects with `group_not_found`. */
export async function* pendingRecords(
  group: GroupStore,
  { consumer, minIdleMs = 0 }: { readonly consumer?: string; readonly minIdleMs?: number },
): AsyncGenerator<readonly PendingRecord[], void, undefined> {
  const idle = minIdleMs > 0 ? ['IDLE', minIdleMs] : []
  let from = '-'
  for (;;) {
    const rows = await pendingPage(group, [
      ...idle,
      from,
      '+',
      PAGE,
      ...(consumer ? [consumer] : []),
    ])
    if (rows.length === 0) return
    yield rows
    from = `(${rows.at(-1)?.seq ?? 0}-0`
  }
}

async function pendingPage(
  group: GroupStore,
  words: readonly (string | number)[],
): Promise<readonly PendingRecord[]> {
  const { connection } = group.store
  try {
    const reply = await connection.ask('XPENDING', group.stream, group.group, ...words)
    return list(reply).map(pendingOf)
  } catch (error) {
    if (failureOf(error)?.reason === 'NOGROUP') throw group.notFound()
    throw error
  }
}

export function pendingOf(row: Reply): PendingRecord {
  const [id, consumer, idleMs, deliveries] = list(row)
  const seq = Number(text(id).split('-')[0])
  return { seq, consumer: text(consumer), idleMs: Number(idleMs), deliveries: Number(deliveries) }
}
