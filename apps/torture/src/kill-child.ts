import { writeSync } from 'node:fs'
import { jsonBackend } from '@papyra/backend-json'
import type { AckLevel, AppendFact } from '@papyra/contracts'

function fact(n: number): AppendFact {
  // Sizes that differ, so that kills fall into the middle of lines, batches and blocks alike.
  const pad = 'x'.repeat((n * 7919) % 3000)
  const payload = `{"n":${n},"pad":"${pad}"}`
  const members = `"system_id":"torture","actor_address":null,"event_type":"t","payload":${payload}`
  return { kind: 'event', timestamp: Date.now(), members }
}

/**
 * A writer that goes on until it is killed: appends from several callers, with a compaction now and
 * then, and writes each number to standard output as soon as it was acknowledged.
 */
export async function runChild([path = '', ack = 'durable']: string[]): Promise<void> {
  const store = await jsonBackend({ path, ack: ack as AckLevel }).open({
    access: 'write',
    create: 'if-missing',
  })
  await store.begin()
  writeSync(1, 'ready\n')
  let n = 0
  const caller = async (): Promise<void> => {
    for (;;) {
      const { firstSeq, lastSeq } = await store.append(
        Array.from({ length: 1 + (n++ % 3) }, () => fact(n)),
      )
      writeSync(1, `${firstSeq} ${lastSeq}\n`)
    }
  }
  const compactor = async (): Promise<void> => {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 40))
      // Everything is kept: what was acknowledged must stay, through rewrites too.
      await store.compact({ policy: { maxRecords: 1 + KEEP } })
    }
  }
  await Promise.race([caller(), caller(), caller(), compactor()])
}

/** So many of the newest records stay, whatever is compacted. */
export const KEEP = 400
