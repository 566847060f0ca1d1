import { PapyraError, type AppendFact, type AppendResult } from '@papyra/contracts'
import type { AppendQueue } from '../write/append-queue.js'
import type { OwnedCore } from './owned-core.js'

/**
 * Appends by way of the queue, `null` if the store has none yet; waits, in call order, while more
 * than `maxWaitingBytes` are waiting. See `Backend.append`.
 */
export function enqueue(
  core: OwnedCore,
  queue: AppendQueue | null,
  maxWaitingBytes: number,
  facts: readonly AppendFact[],
): Promise<AppendResult> {
  try {
    core.requireOwner('append')
  } catch (error) {
    return Promise.reject(error as Error)
  }
  if (queue === null) {
    const text = `${core.location} has not passed the gate; call begin first.`
    const error = new PapyraError('not_begun', text)
    core.countError('writeErrors', error)
    return Promise.reject(error)
  }
  const full = core.blocked.size > 0 || queue.state.waitingBytes > maxWaitingBytes
  // A copy, since the list is the caller's.
  const own = facts.slice()
  const done = full ? whenReady(core, queue, own) : queue.append(own)
  done.catch((error: unknown) => core.countError('writeErrors', error))
  return done
}

/** Waits for room, in call order. Such a call was accepted: `close` waits for it. */
function whenReady(
  core: OwnedCore,
  queue: AppendQueue,
  facts: readonly AppendFact[],
): Promise<AppendResult> {
  const done = queue.ready().then(() => queue.append(facts))
  const settled = done.then(
    () => undefined,
    () => undefined,
  )
  core.blocked.add(settled)
  void settled.then(() => core.blocked.delete(settled))
  return done
}
