import type { RecordMeta, StoredRecord } from '@papyra/contracts'
import type { SegmentsCompactResult, SegmentStore, SegmentVerdict, Vfs } from '../../src/index.js'

/** True for the numbers that stay. */
export type Stays = (seq: number) => boolean

/** A verdict on every segment that something goes out of, by looking at its records. */
export async function verdictsBy(store: SegmentStore, stays: Stays): Promise<SegmentVerdict[]> {
  const verdicts: SegmentVerdict[] = []
  for (const segment of [...(await store.view()).segments].reverse()) {
    const { lastSeq } = segment
    const seqs: number[] = []
    for await (const batch of segment.metas({})) seqs.push(...batch.map(({ seq }) => seq))
    const kept = seqs.filter(stays)
    if (kept.length === seqs.length) continue
    const gone = seqs.filter((seq) => !stays(seq))
    const dropped = [
      {
        kind: 'event',
        reason: 'count',
        limit: 'maxRecords',
        records: gone.length,
        bytes: gone.length,
        seq: { first: Math.min(...gone), last: Math.max(...gone) },
      } as const,
    ]
    if (kept.length === 0) verdicts.push({ segment, action: 'drop', lastSeq, dropped })
    else {
      const keep = ({ seq }: RecordMeta): boolean => seq > lastSeq || stays(seq)
      verdicts.push({ segment, action: 'rewrite', keep, dropped })
    }
  }
  return verdicts
}

/** Compacts so that only these numbers, and what is appended meanwhile, stay. */
export async function compactTo(
  store: SegmentStore,
  stays: Stays,
  more: { signal?: AbortSignal; between?: () => Promise<void> } = {},
): Promise<SegmentsCompactResult | null> {
  const { between, ...long } = more
  const plan = async () => {
    const verdicts = await verdictsBy(store, stays)
    await between?.()
    const dropped = verdicts.flatMap((verdict) => verdict.dropped ?? [])
    return verdicts.length === 0 ? null : { verdicts, dropped }
  }
  return store.compact({ plan, trigger: 'request', ...long })
}

export function kept(records: readonly StoredRecord[], stays: Stays): StoredRecord[] {
  return records.filter(({ seq }) => stays(seq))
}

/** Counts the bytes that are read of each segment that is opened for reading. */
export function countingVfs(vfs: Vfs): { readonly vfs: Vfs; readonly read: Map<string, number> } {
  const read = new Map<string, number>()
  const open: Vfs['open'] = async (path, flag, mode) => {
    const file = await vfs.open(path, flag, mode)
    if (flag !== 'read' || !path.endsWith('.ndjson')) return file
    return wrapped(file, {
      read: async (buffer, offset, length, position) => {
        const n = await file.read(buffer, offset, length, position)
        read.set(path, (read.get(path) ?? 0) + n)
        return n
      },
    })
  }
  return { vfs: wrapped(vfs, { open }), read }
}

/** The same object, but for some methods. */
export function wrapped<T extends object>(inner: T, methods: Partial<T>): T {
  return new Proxy(inner, {
    get(target, name) {
      const own: unknown = Reflect.get(methods, name)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
