import { Buffer } from 'node:buffer'
import type { ReadQuery, StoredRecord } from '@papyra/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LogSource } from '../../src/scan/log-source.js'
import { readBackward } from '../../src/scan/read-backward.js'
import { readForward } from '../../src/scan/read-forward.js'
import { readMetas } from '../../src/scan/read-metas.js'
import { memVfs } from '../../src/testing/index.js'
import { buildLog, lineOf, LOG, textOf, type BuiltLog } from './build-log.js'
import { countReads } from './counting-file.js'

async function sourceOf(log: BuiltLog, bytes: Buffer = log.bytes): Promise<LogSource> {
  const vfs = memVfs()
  vfs.put(LOG, bytes)
  const file = await vfs.open(LOG, 'read')
  return { file, size: bytes.length, seed: log.seed, start: lineOf(log, 'head', 0).end }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = []
  for await (const item of items) out.push(item)
  return out
}

const seqs = (records: readonly { seq: number }[]): number[] => records.map(({ seq }) => seq)

const log = buildLog({
  last: 60,
  blockBytes: 1024,
  kind: (seq) => (seq % 3 === 0 ? 'dead_letter' : 'event'),
})

describe('reading a sound log', () => {
  it('gives the records as they are stored, oldest first, newest first', async () => {
    const forward = await all(readForward(await sourceOf(log)))
    expect(seqs(forward)).toEqual(log.seqs)
    const seven = textOf(log, lineOf(log, 'record', 7))
    expect(forward[6]).toEqual({
      seq: 7,
      kind: 'event',
      timestamp: 1_710_000_007_000,
      json: seven.trimEnd(),
      bytes: seven.length,
    })
    expect(await all(readBackward(await sourceOf(log)))).toEqual([...forward].reverse())
  })

  it('selects as a plain filter would, in both directions', async () => {
    const every = await all(readForward(await sourceOf(log)))
    const query = fc.record(
      {
        kinds: fc.subarray(['event', 'dead_letter', 'audit']),
        since: fc.integer({ min: 0, max: 70 }).map((n) => 1_710_000_000_000 + n * 1000),
        until: fc.integer({ min: 0, max: 70 }).map((n) => 1_710_000_000_000 + n * 1000),
        afterSeq: fc.integer({ min: 0, max: 70 }),
        beforeSeq: fc.integer({ min: 0, max: 70 }),
        limit: fc.integer({ min: 1, max: 70 }),
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(query, async (q) => {
        const wanted = (records: readonly StoredRecord[]): number[] =>
          seqs(
            records
              .filter(({ kind }) => q.kinds === undefined || q.kinds.includes(kind))
              .filter(({ timestamp }) => q.since === undefined || timestamp >= q.since)
              .filter(({ timestamp }) => q.until === undefined || timestamp < q.until)
              .filter(({ seq }) => seq > (q.afterSeq ?? 0) && seq < (q.beforeSeq ?? 1000))
              .slice(0, q.limit),
          )
        expect(seqs(await all(readForward(await sourceOf(log), q as ReadQuery)))).toEqual(
          wanted(every),
        )
        expect(seqs(await all(readBackward(await sourceOf(log), q as ReadQuery)))).toEqual(
          wanted([...every].reverse()),
        )
      }),
      { numRuns: 200 },
    )
  })

  it('sees nothing at or beyond its size', async () => {
    const source = { ...(await sourceOf(log)), size: lineOf(log, 'record', 40).end }
    expect(seqs(await all(readForward(source))).at(-1)).toBe(40)
    expect(seqs(await all(readBackward(source)))[0]).toBe(40)
  })

  it('gives number, kind, time and size alone', async () => {
    const metas = await all(readMetas(await sourceOf(log), { order: 'newest' }))
    expect(seqs(metas)).toEqual([...log.seqs].reverse())
    expect(metas[0]).toEqual({
      seq: 60,
      kind: 'dead_letter',
      timestamp: 1_710_000_060_000,
      bytes: textOf(log, lineOf(log, 'record', 60)).length,
    })
    expect(await all(readMetas(await sourceOf(log), { order: 'oldest' }))).toEqual(
      [...metas].reverse(),
    )
  })

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort()
    await expect(all(readForward(await sourceOf(log), { signal }))).rejects.toMatchObject({
      code: 'aborted',
    })
    await expect(all(readBackward(await sourceOf(log), { signal }))).rejects.toMatchObject({
      code: 'aborted',
    })
  })
})

describe('reading a large log', () => {
  const large = buildLog({ last: 60_000, blockBytes: 1 << 20, payload: () => 'x'.repeat(80) })

  it('the last 100 cost about what they are', async () => {
    const source = await sourceOf(large)
    const { file, bytes } = countReads(source.file)
    expect(seqs(await all(readBackward({ ...source, file }, { limit: 100 })))).toEqual(
      Array.from({ length: 100 }, (_, i) => 60_000 - i),
    )
    expect(bytes()).toBe(64 * 1024)
  })

  it('what follows a number near the end costs about what it is', async () => {
    const source = await sourceOf(large)
    const { file, bytes } = countReads(source.file)
    expect(seqs(await all(readForward({ ...source, file }, { afterSeq: 59_900 })))[0]).toBe(59_901)
    expect(bytes()).toBeLessThan(300 * 1024)
  })

  it('is the same forward and backward', async () => {
    const forward = seqs(await all(readMetas(await sourceOf(large), { order: 'oldest' })))
    expect(forward).toEqual(large.seqs)
    expect(
      seqs(await all(readMetas(await sourceOf(large), { order: 'newest' }))).reverse(),
    ).toEqual(forward)
  })

  it('lines longer than a step are read whole, from both ends', async () => {
    const long = buildLog({
      last: 9,
      blockBytes: 1 << 20,
      payload: (seq) => (seq === 5 ? 'y'.repeat(3_000_000) : 'y'),
    })
    const forward = await all(readForward(await sourceOf(long)))
    expect(forward[4]?.json.length).toBeGreaterThan(3_000_000)
    expect(await all(readBackward(await sourceOf(long)))).toEqual([...forward].reverse())
  })
})

describe('reading a damaged log', () => {
  const bad = Buffer.from(log.bytes)
  for (const seq of [16, 17, 18, 40]) bad[lineOf(log, 'record', seq).offset + 60] = 0x7e
  const from = lineOf(log, 'record', 16).offset
  const to = lineOf(log, 'record', 18).end

  it('throws with the place, after what stands before it', async () => {
    for (const [read, first] of [
      [readForward, 15],
      [readBackward, 20],
    ] as const) {
      const got: number[] = []
      const failed = await (async () => {
        for await (const { seq } of read(await sourceOf(log, bad))) got.push(seq)
      })().catch((error: unknown) => error)
      expect(failed).toMatchObject({ code: 'anomalies_found', details: { path: LOG } })
      expect(got.length).toBe(first)
    }
  })

  it('or tells of each stretch and goes on', async () => {
    const order = log.seqs.filter((seq) => ![16, 17, 18, 40].includes(seq))
    const forty = lineOf(log, 'record', 40)
    const stretches = [
      { path: LOG, offset: from, length: to - from },
      { path: LOG, offset: forty.offset, length: forty.end - forty.offset },
    ]
    const told: unknown[] = []
    const onDamage = (damage: unknown): void => void told.push(damage)
    expect(seqs(await all(readForward(await sourceOf(log, bad), { onDamage })))).toEqual(order)
    expect(told).toEqual(stretches)
    told.length = 0
    expect(seqs(await all(readBackward(await sourceOf(log, bad), { onDamage })))).toEqual(
      order.reverse(),
    )
    expect(told).toEqual(stretches.reverse())
  })

  it('a number that is not above the one before is damage; no number comes twice', async () => {
    const line = textOf(log, lineOf(log, 'record', 10))
    const at = lineOf(log, 'record', 30).offset
    const bytes = Buffer.concat([
      log.bytes.subarray(0, at),
      Buffer.from(line),
      log.bytes.subarray(at),
    ])
    const told: unknown[] = []
    const records = await all(
      readForward(await sourceOf(log, bytes), { onDamage: (damage) => told.push(damage) }),
    )
    expect(seqs(records)).toEqual(log.seqs)
    expect(told).toEqual([{ path: LOG, offset: at, length: line.length }])
  })

  it('stray bytes around lines do not matter', async () => {
    const bytes = Buffer.from(log.bytes.toString().replaceAll('\n', '\r\n'))
    const source = await sourceOf(log, bytes)
    const records = await all(readForward({ ...source, start: 0 }))
    expect(records.map(({ json }) => json)).toEqual(
      log.seqs.map((seq) => textOf(log, lineOf(log, 'record', seq)).trimEnd()),
    )
  })
})

describe('reading a plain log', () => {
  const text = [
    '{"kind": "event", "system_id": "local", "actor_address": null, "event_type": "A", "payload": {}, "timestamp": 1768380322.51}',
    'not json',
    '{"kind": "audit", "timestamp": 5}',
    '{"kind": "x"}',
  ].join('\n')
  it('numbers its records by their place', async () => {
    const vfs = memVfs()
    vfs.put(LOG, text)
    const source: LogSource = { file: await vfs.open(LOG, 'read'), size: text.length, seed: null }
    const onDamage = (): void => undefined
    const forward = await all(readForward(source, { onDamage }))
    expect(forward.map(({ seq, kind, timestamp }) => [seq, kind, timestamp])).toEqual([
      [1, 'event', 1_768_380_322_510],
      [2, 'audit', 5000],
      [3, 'x', Number.NaN],
    ])
    expect(await all(readBackward(source, { onDamage }))).toEqual([...forward].reverse())
    expect(seqs(await all(readForward(source, { afterSeq: 1, onDamage })))).toEqual([2, 3])
  })
})
