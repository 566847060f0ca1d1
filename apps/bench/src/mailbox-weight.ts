import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ActorSystem } from '@papyra/actors'
import { memoryBackend } from '@papyra/core'

const MESSAGES = 100_000

interface Add {
  readonly type: 'add'
  readonly by: number
}

/** Bytes of heap that `fill` leaves behind. For a process that does nothing else. */
function grown(fill: () => unknown): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage().heapUsed
  const kept = fill()
  collect()
  const bytes = process.memoryUsage().heapUsed - before
  if (kept === undefined) throw new Error('nothing was kept')
  return bytes
}

/** What a mailbox with 100 000 messages weighs, the messages included. */
export async function fullMailbox(): Promise<number> {
  const system = await ActorSystem.start({ systemId: 'bench', backend: memoryBackend() })
  const ref = system.spawn<Add>(() => ({ receive: () => new Promise<never>(() => {}) }), {
    mailbox: { capacity: MESSAGES },
  })
  // The first one occupies the actor for good.
  ref.tell({ type: 'add', by: 0 })
  while (system.info(ref).waiting > 0) await new Promise((resolve) => setImmediate(resolve))
  return grown(() => {
    for (let by = 0; by < MESSAGES; by++) ref.tell({ type: 'add', by })
    return system.info(ref).waiting === MESSAGES ? system : undefined
  })
}

/** What an array with the same messages weighs. */
export function fullArray(): number {
  return grown(() => Array.from({ length: MESSAGES }, (_, by): Add => ({ type: 'add', by })))
}
