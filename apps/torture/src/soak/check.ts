import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { numberIn } from '../facts.js'
import { definitionOf, type StoreKind } from '../kinds.js'

/** What the writer's own list says: for each of the newest numbers, which fact it was given to. */
export async function readList(list: string, keep: number): Promise<Map<number, number>> {
  const promised = new Map<number, number>()
  const lines = createInterface({ input: createReadStream(list) })
  let last = 0
  for await (const line of lines) {
    const [first = 0, end = 0, n = 0] = line.split(' ').map(Number)
    for (let seq = first; seq <= end; seq++) promised.set(seq, n + seq - first)
    last = Math.max(last, end)
    // Acknowledgements are written in no strict order; what is far behind is not looked at again.
    if (promised.size > keep * 4) {
      for (const seq of promised.keys()) if (seq <= last - keep * 2) promised.delete(seq)
    }
  }
  for (const seq of promised.keys()) if (seq <= last - keep) promised.delete(seq)
  return promised
}

export interface Checked {
  /** Promised numbers within the policy that were looked for. */
  readonly looked: number
  /** How many records the store holds. */
  readonly records: number
  readonly wrong: readonly string[]
}

/** Holds the store, which nobody owns any more, to what its writer was promised. */
export async function checkStore(
  kind: StoreKind,
  path: string,
  promised: ReadonlyMap<number, number>,
): Promise<Checked> {
  const wrong: string[] = []
  const store = await definitionOf(kind, path).open({ access: 'write' })
  let records = 0
  try {
    const scan = await store.scan()
    if (!scan.clean) wrong.push(`the scan found ${Object.keys(scan.anomalyCounts).join(', ')}`)
    const missing = new Map(promised)
    let before = 0
    for await (const { seq, json } of store.read()) {
      records++
      if (seq <= before) wrong.push(`${seq} follows ${before}`)
      before = seq
      const n = missing.get(seq)
      if (n !== undefined && numberIn(json) !== n) wrong.push(`${seq} is not the fact ${n}`)
      missing.delete(seq)
    }
    for (const seq of [...missing.keys()].slice(0, 10)) wrong.push(`${seq} is gone`)
    if (missing.size > 0) wrong.push(`${missing.size} promised records are gone`)
    if (scan.records !== records)
      wrong.push(`the scan counts ${scan.records}, there are ${records}`)
  } finally {
    await store.close()
  }
  return { looked: promised.size, records, wrong }
}
