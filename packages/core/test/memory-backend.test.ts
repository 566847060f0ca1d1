import { manualClock, type AppendFact, type Backend, type StoredRecord } from '@papyra/contracts'
import { memoryBackend } from '@papyra/core'
import { describe, expect, test } from 'vitest'

const NOW = 1_710_000_000_000

function fact(type: string, timestamp = NOW): AppendFact {
  return { kind: 'event', timestamp, members: `"event_type":"${type}"` }
}

async function opened(options: Parameters<typeof memoryBackend>[0] = {}): Promise<Backend> {
  const clock = manualClock(NOW)
  const backend = await memoryBackend(options).open({
    access: 'write',
    create: 'if-missing',
    clock,
  })
  await backend.begin(options.retention === undefined ? {} : { retention: options.retention })
  return backend
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

async function seqs(items: AsyncIterable<{ readonly seq: number }>): Promise<number[]> {
  return (await all(items)).map(({ seq }) => seq)
}

function code(name: string): unknown {
  return expect.objectContaining({ code: name })
}

describe('opening', () => {
  test('a missing store is an error unless it may be made; reading never makes one', async () => {
    const definition = memoryBackend()
    await expect(definition.open({ access: 'write' })).rejects.toEqual(code('store_not_found'))
    const read = definition.open({ access: 'read', create: 'if-missing' })
    await expect(read).rejects.toEqual(code('store_not_found'))
    const { logId } = (await definition.create?.()) ?? {}
    await expect(definition.create?.()).rejects.toEqual(code('store_exists'))
    const backend = await definition.open({ access: 'write' })
    expect(await backend.describe()).toMatchObject({ logId, exists: true, format: 'memory' })
  })

  test('a second owner is refused, a reader is not, and closing frees it at once', async () => {
    const definition = memoryBackend()
    const first = await definition.open({ access: 'write', create: 'if-missing' })
    const second = definition.open({ access: 'write', waitLockMs: 0 })
    await expect(second).rejects.toEqual(code('store_locked'))
    const reader = await definition.open({ access: 'read' })
    await expect(reader.begin()).rejects.toEqual(code('read_only'))
    await expect(reader.append([fact('a')])).rejects.toEqual(code('read_only'))
    await expect(reader.compact({ policy: { maxRecords: 1 } })).rejects.toEqual(code('read_only'))
    expect((await reader.describe()).owner).not.toBeNull()
    const waiting = definition.open({ access: 'write', waitLockMs: 600_000 })
    await first.close()
    await first.close()
    const third = await waiting
    await third.close()
    expect((await reader.describe()).owner).toBeNull()
  })

  test('of many that wait one owns the store at a time, and none is forgotten', async () => {
    const definition = memoryBackend()
    let owners = 0
    const turns = Array.from({ length: 20 }, async () => {
      const backend = await definition.open({
        access: 'write',
        create: 'if-missing',
        waitLockMs: 600_000,
      })
      owners += 1
      expect(owners).toBe(1)
      await Promise.resolve()
      owners -= 1
      await backend.close()
    })
    await Promise.all(turns)
  })

  test('another log than expected is refused and left unlocked', async () => {
    const definition = memoryBackend({ logId: 'one' })
    await definition.create?.()
    const wrong = definition.open({ access: 'write', expectLogId: 'two' })
    await expect(wrong).rejects.toEqual(code('wrong_log'))
    const right = await definition.open({ access: 'write', expectLogId: 'one', waitLockMs: 0 })
    await right.close()
  })

  test('records live as long as the definition', async () => {
    const definition = memoryBackend()
    const first = await definition.open({ access: 'write', create: 'if-missing' })
    await first.begin()
    await first.append([fact('a'), fact('b')])
    await first.close()
    const again = await definition.open({ access: 'write' })
    expect(await again.begin()).toEqual({ nextSeq: 3, keptAside: [] })
    expect(await seqs(again.read())).toEqual([1, 2])
  })
})

describe('append', () => {
  test('is refused before begin, with nothing, and with what is no fact', async () => {
    const backend = await memoryBackend().open({ access: 'write', create: 'if-missing' })
    await expect(backend.append([fact('a')])).rejects.toEqual(code('not_begun'))
    await backend.begin()
    await expect(backend.append([])).rejects.toEqual(code('invalid_argument'))
    await expect(backend.append([fact('a', Number.NaN)])).rejects.toEqual(code('invalid_argument'))
    const twoLines = { ...fact('a'), members: '"a":\n1' }
    await expect(backend.append([twoLines])).rejects.toEqual(code('invalid_argument'))
    expect(await seqs(backend.read())).toEqual([])
  })

  test('stores all or none, and a refused fact leaves no gap', async () => {
    const backend = await opened({ maxRecordBytes: 80 })
    expect(await backend.append([fact('a'), fact('b')])).toEqual({ firstSeq: 1, lastSeq: 2 })
    const tooLarge = backend.append([fact('c'), fact('x'.repeat(80))])
    await expect(tooLarge).rejects.toEqual(code('record_too_large'))
    expect(await backend.append([fact('d')])).toEqual({ firstSeq: 3, lastSeq: 3 })
    expect((await backend.describe()).metrics.totals).toMatchObject({
      recordsWritten: 3,
      writeErrors: 1,
    })
  })

  test('concurrent appends get numbers in call order', async () => {
    const backend = await opened()
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, i) => backend.append([fact(`a${i}`), fact(`b${i}`)])),
    )
    expect(results.map(({ firstSeq }) => firstSeq)).toEqual(results.map((_, i) => 2 * i + 1))
  })

  test('bytes are those of the line in UTF-8, its end included', async () => {
    const backend = await opened()
    await backend.append([fact('é😀')])
    const [record] = await all(backend.read())
    expect(record?.json).toBe('{"seq":1,"kind":"event","timestamp":1710000000,"event_type":"é😀"}')
    expect(record?.bytes).toBe(Buffer.byteLength(`${record?.json}\n`))
    expect((await backend.describe()).bytes).toBe(record?.bytes)
  })
})

describe('read', () => {
  test('selects by kind, time, number, order and limit', async () => {
    const backend = await opened()
    await backend.append([
      fact('a', 1),
      fact('b', 2),
      { ...fact('c', 3), kind: 'audit' },
      fact('d', 4),
    ])
    expect(await seqs(backend.read({ kinds: ['audit'] }))).toEqual([3])
    expect(await seqs(backend.read({ since: 2, until: 4 }))).toEqual([2, 3])
    expect(await seqs(backend.read({ afterSeq: 1, beforeSeq: 4 }))).toEqual([2, 3])
    expect(await seqs(backend.read({ order: 'newest', limit: 2 }))).toEqual([4, 3])
    expect(await seqs(backend.read({ afterSeq: 9 }))).toEqual([])
    await expect(seqs(backend.read({ limit: 0 }))).rejects.toEqual(code('invalid_argument'))
    const stopped = AbortSignal.abort()
    await expect(seqs(backend.read({ signal: stopped }))).rejects.toEqual(code('aborted'))
  })

  test('goes on undisturbed while records are appended and compacted away', async () => {
    const backend = await opened()
    await backend.append(Array.from({ length: 6 }, (_, i) => fact(`${i}`)))
    const seen: number[] = []
    for await (const { seq } of backend.read()) {
      seen.push(seq)
      if (seq === 2) await backend.compact({ policy: { maxRecords: 1 } })
      await backend.append([fact('more')])
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('what was acknowledged before the call is included, though reading begins later', async () => {
    const backend = await opened()
    await backend.append([fact('a')])
    const list = backend.read()
    await backend.append([fact('b'), fact('c')])
    await backend.compact({ policy: { maxRecords: 1 } })
    expect(await seqs(list)).toEqual([1])
  })

  test('meta comes newest first', async () => {
    const backend = await opened()
    await backend.append([fact('a'), fact('b')])
    const metas = await all(backend.readMeta())
    expect(metas.map(({ seq }) => seq)).toEqual([2, 1])
    expect(Object.keys(metas[0] ?? {}).sort()).toEqual(['bytes', 'kind', 'seq', 'timestamp'])
  })
})

describe('bounded by its own policy', () => {
  test('holds at most what the policy keeps and as much again, or 64 records', async () => {
    const backend = await opened({ retention: { maxRecords: 100 } })
    let most = 0
    for (let i = 0; i < 5000; i += 1) {
      await backend.append([fact('a')])
      most = Math.max(most, (await backend.describe()).metrics.totals.recordsStored)
    }
    expect(most).toBeLessThanOrEqual(200)
    expect((await seqs(backend.read())).slice(-100)).toEqual(
      Array.from({ length: 100 }, (_, i) => 4901 + i),
    )
    const { totals } = (await backend.describe()).metrics
    expect(totals.recordsStored + totals.recordsDropped).toBe(5000)
    expect(totals.bytesStored + totals.bytesReclaimed).toBe(totals.bytesWritten)
    expect(totals.compactions).toBe(0)
  })

  test('holds at most the bytes the policy keeps and as much again, or 1 MiB', async () => {
    const backend = await opened({ retention: { maxTotalBytes: 3_000_000 } })
    let most = 0
    for (let i = 0; i < 100; i += 1) {
      await backend.append([fact('x'.repeat(400_000))])
      most = Math.max(most, (await backend.describe()).bytes)
    }
    expect(most).toBeLessThanOrEqual(2 * 3_000_000 + 400_100)
  })

  test('stays bounded by size while the clock is suspect, and drops nothing for its age then', async () => {
    const clock = manualClock(NOW)
    const definition = memoryBackend()
    const backend = await definition.open({ access: 'write', create: 'if-missing', clock })
    await backend.begin({ retention: { maxRecords: 500, maxAgeSeconds: 10 } })
    // Time goes on by a second for every record: an age limit would leave ten.
    for (let i = 0; i < 200; i += 1)
      await backend.append([fact('ahead', NOW + 3_600_000 + i * 1000)])
    expect(await seqs(backend.read())).toHaveLength(200)
    for (let i = 0; i < 5000; i += 1) await backend.append([fact('ahead', NOW + 4_000_000)])
    expect((await seqs(backend.read())).length).toBeLessThanOrEqual(1000)
  })

  test('the policy of the owner replaces the one it was made with; null ends it', async () => {
    const definition = memoryBackend({ retention: { maxRecords: 7 } })
    const first = await definition.open({ access: 'write', create: 'if-missing' })
    await first.begin()
    expect((await first.describe()).retention).toEqual({ maxRecords: 7 })
    await first.close()
    const second = await definition.open({ access: 'write' })
    await second.begin({ retention: null })
    for (let i = 0; i < 300; i += 1) await second.append([fact('a')])
    expect(await seqs(second.read())).toHaveLength(300)
  })
})

describe('maintenance', () => {
  test('compact deletes, counts and remembers; a dry run does nothing of that', async () => {
    const backend = await opened()
    await backend.append([fact('a'), fact('b'), fact('c')])
    const dry = await backend.compact({ policy: { maxRecords: 1 }, dryRun: true })
    expect(dry).toMatchObject({ changed: true, dryRun: true, verified: null })
    expect(dry.records).toEqual({ before: 3, after: 1 })
    expect(await seqs(backend.read())).toEqual([1, 2, 3])
    const real = await backend.compact({ policy: { maxRecords: 1 } })
    expect({ ...real, dryRun: true, verified: null, durationMs: 0 }).toEqual({
      ...dry,
      durationMs: 0,
    })
    expect(await seqs(backend.read())).toEqual([3])
    const after = await backend.describe()
    expect(after).toMatchObject({ generation: 2, compactedThrough: 2, lastSeq: 3 })
    expect(after.history.map(({ what, recordsRemoved }) => [what, recordsRemoved])).toEqual([
      ['created', 0],
      ['compaction', 2],
    ])
    expect(after.metrics.totals).toMatchObject({
      compactions: 1,
      recordsDropped: 2,
      compactionErrors: 0,
    })
    expect(await backend.compact({ policy: { maxRecords: 1 } })).toMatchObject({ changed: false })
    expect((await backend.describe()).generation).toBe(2)
  })

  test('compact refuses to drop everything unless forced', async () => {
    const backend = await opened()
    await backend.append([fact('old', NOW - 1_000_000)])
    const policy = { maxAgeSeconds: 1 }
    await expect(backend.compact({ policy })).rejects.toEqual(code('drop_all_refused'))
    expect((await backend.describe()).metrics.totals.compactionErrors).toBe(1)
    expect(await backend.compact({ policy, force: true })).toMatchObject({ changed: true })
    expect(await backend.append([fact('next')])).toEqual({ firstSeq: 2, lastSeq: 2 })
  })

  test('compact refuses ages when the clock ran ahead of the time that passed', async () => {
    const clock = manualClock(NOW)
    const backend = await memoryBackend().open({ access: 'write', create: 'if-missing', clock })
    await backend.begin()
    await backend.append([fact('a'), fact('b')])
    clock.setWallTime(NOW + 90_000)
    const compact = backend.compact({ policy: { maxAgeSeconds: 60, maxRecords: 9 } })
    await expect(compact).rejects.toEqual(code('clock_suspect'))
    const policy = await backend.compact({ policy: { maxRecords: 1 } })
    expect(policy.records.after).toBe(1)
  })

  test('recover has nothing to mend, and is refused once the store has begun', async () => {
    const definition = memoryBackend()
    const backend = await definition.open({ access: 'write', create: 'if-missing' })
    expect(await backend.recover({ mode: 'repair' })).toMatchObject({ changed: false, losses: [] })
    const nowhere = backend.recover({ mode: 'quarantine' })
    await expect(nowhere).rejects.toEqual(code('quarantine_dir_required'))
    await backend.begin()
    await expect(backend.recover({ mode: 'repair' })).rejects.toEqual(code('unsupported'))
  })

  test('a reset records a baseline and takes nothing away', async () => {
    const backend = await opened()
    await backend.append([fact('a'), fact('b')])
    expect((await backend.resetMetrics()).sinceReset).toMatchObject({
      recordsWritten: 0,
      recordsStored: 2,
    })
    await backend.append([fact('c')])
    const { totals, sinceReset, resetAt } = (await backend.describe()).metrics
    expect([totals.recordsWritten, sinceReset.recordsWritten, resetAt]).toEqual([3, 1, NOW])
  })

  test('after close everything but close is refused, a list under way too', async () => {
    const backend = await opened()
    await backend.append([fact('a'), fact('b')])
    const list = backend.read()[Symbol.asyncIterator]()
    expect((await list.next()).value).toMatchObject({ seq: 1 } satisfies Partial<StoredRecord>)
    await backend.close()
    await expect(list.next()).rejects.toEqual(code('closed'))
    const calls = [
      () => backend.begin(),
      () => backend.append([fact('a')]),
      () => seqs(backend.read()),
      () => seqs(backend.readMeta()),
      () => backend.describe(),
      () => backend.scan(),
      () => backend.recover({ mode: 'repair' }),
      () => backend.compact({ policy: { maxRecords: 1 } }),
      () => backend.resetMetrics(),
      () => backend.flush(),
    ]
    for (const call of calls) await expect(call()).rejects.toEqual(code('closed'))
    await backend.close()
  })
})
