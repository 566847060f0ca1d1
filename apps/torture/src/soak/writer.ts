import { closeSync, openSync, writeSync } from 'node:fs'
import { isPapyraError } from '@papyra/contracts'
import { told } from '../child-process.js'
import { fact } from '../facts.js'
import { definitionOf, kindOf } from '../kinds.js'

/** So many callers append at once, each waiting for its own acknowledgement. */
const CALLERS = 64
/** Payloads are up to so many bytes. */
const MOST_BYTES = 400

/**
 * One of several that want the same store. Says `refused <code>`, or `owner` and then appends at full
 * speed until it is told to stop. Each acknowledgement goes into its own list, before anything else
 * is done: `<first seq> <last seq> <number of the first fact>`. Ends with `done <last seq> <records>`.
 */
export async function soakWriter([kind, path = '', list = '']: string[]): Promise<void> {
  const definition = definitionOf(kindOf(kind), path, { segmentBytes: 1_000_000 })
  const store = await definition
    .open({ access: 'write', create: 'if-missing', waitLockMs: 0 })
    .catch((error: unknown) => {
      writeSync(1, `refused ${isPapyraError(error) ? error.code : String(error)}\n`)
      return null
    })
  if (store === null) return
  const parent = told()
  await store.begin()
  const fd = openSync(list, 'a')
  writeSync(1, 'owner\n')
  let n = 0
  let records = 0
  let last = 0
  const caller = async (): Promise<void> => {
    while (parent.last() === null) {
      const from = n
      const count = 1 + (n % 5)
      n += count
      const facts = Array.from({ length: count }, (_, i) => fact(from + i, MOST_BYTES))
      const { firstSeq, lastSeq } = await store.append(facts)
      writeSync(fd, `${firstSeq} ${lastSeq} ${from}\n`)
      records += count
      last = Math.max(last, lastSeq)
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  closeSync(fd)
  await store.close()
  writeSync(1, `done ${last} ${records}\n`)
  process.exit(0)
}
