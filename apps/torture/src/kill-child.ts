import { writeSync } from 'node:fs'
import type { AckLevel } from '@papyra/contracts'
import { fact } from './facts.js'
import { definitionOf, kindOf } from './kinds.js'

/**
 * A writer that goes on until it is killed: appends from several callers, with a compaction now and
 * then, and writes each number to standard output as soon as it was acknowledged. Segments are so
 * small that one is sealed every few appends.
 */
export async function killWriter([kind, path = '', ack = 'durable']: string[]): Promise<void> {
  const definition = definitionOf(kindOf(kind), path, {
    ack: ack as AckLevel,
    segmentBytes: 20_000,
  })
  const store = await definition.open({ access: 'write', create: 'if-missing' })
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
      // The newest are kept: what was acknowledged of them must stay, through rewrites too.
      await store.compact({ policy: { maxRecords: 1 + KEEP } })
    }
  }
  await Promise.race([caller(), caller(), caller(), compactor()])
}

/** So many of the newest records stay, whatever is compacted. */
export const KEEP = 400
