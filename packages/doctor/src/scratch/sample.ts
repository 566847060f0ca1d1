// The newest records of a store, put into a new one: where the whole is more than a drill may copy.
import {
  isRecordKind,
  type AppendFact,
  type Backend,
  type BackendDefinition,
  type StoredRecord,
} from '@papyra/contracts'

const BATCH = 500

/** How many records were copied, and of how many bytes. */
export interface Sample {
  readonly records: number
  readonly bytes: number
}

/** Copies the newest records that take at most so many bytes. Only kinds that a store takes. */
export async function copySample(
  source: Backend,
  target: BackendDefinition,
  most: number,
): Promise<Sample> {
  const { after, newest, bytes } = await firstOfSample(source, most)
  const store = await target.open({ access: 'write', create: 'if-missing' })
  let records = 0
  try {
    await store.begin()
    let batch: AppendFact[] = []
    const flush = async (): Promise<void> => {
      if (batch.length > 0) await store.append(batch)
      records += batch.length
      batch = []
    }
    for await (const record of source.read({ afterSeq: after, beforeSeq: newest + 1 })) {
      const fact = factOf(record)
      if (fact !== null) batch.push(fact)
      if (batch.length >= BATCH) await flush()
    }
    await flush()
  } finally {
    await store.close()
  }
  return { records, bytes }
}

async function firstOfSample(
  source: Backend,
  most: number,
): Promise<{ readonly after: number; readonly newest: number; readonly bytes: number }> {
  let [bytes, after, newest] = [0, 0, 0]
  for await (const meta of source.readMeta()) {
    newest = Math.max(newest, meta.seq)
    after = meta.seq - 1
    if (bytes + meta.bytes > most) {
      after = meta.seq
      break
    }
    bytes += meta.bytes
  }
  return { after, newest, bytes }
}

function factOf({ kind, timestamp, json }: StoredRecord): AppendFact | null {
  if (!isRecordKind(kind)) return null
  const { seq, kind: _, timestamp: __, crc, ...body } = JSON.parse(json) as Record<string, unknown>
  void [seq, crc]
  const members = JSON.stringify(body).slice(1, -1)
  return { kind, timestamp: Number.isFinite(timestamp) ? timestamp : 0, members }
}
