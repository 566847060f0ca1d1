import type { AppendFact } from '@papyra/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { faultVfs, memVfs, type MemOp, type MemVfs } from '../../src/testing/index.js'
import type { AppendQueueOptions } from '../../src/write/append-options.js'
import { BlockTracker } from '../../src/write/block-tracker.js'
import { openMarkWriter } from '../../src/write/mark-file.js'
import {
  createLog,
  fact,
  HEAD,
  LOG,
  LOG_ID,
  markedAcked,
  openQueue,
  outcome,
  readLog,
  type Rig,
  SEED,
  upTo,
} from './queue-harness.js'

async function rigOn(more: Partial<AppendQueueOptions> = {}): Promise<Rig & { vfs: MemVfs }> {
  const vfs = memVfs()
  await createLog(vfs)
  return { vfs, ...(await openQueue(vfs, more)) }
}

/** Nothing is in flight behind a turn of the event loop: a memory file system never takes longer. */
const idle = (): Promise<void> => new Promise(setImmediate)

/** The operations on the log's file from now on. */
function watch(vfs: MemVfs): string[] {
  const seen: string[] = []
  vfs.onOp = (op: MemOp, half) => {
    if (!half) seen.push(`${op.name} ${op.path === LOG ? 'log' : 'mark'}`)
  }
  return seen
}

describe('append', () => {
  it('gives numbers in call order, without gaps, and stores each call as a whole', async () => {
    const { vfs, queue } = await rigOn()
    const results = await Promise.all([
      queue.append([fact('a')]),
      queue.append([fact('b'), fact('c'), fact('d')]),
      queue.append([fact('e')]),
    ])
    expect(results).toEqual([
      { firstSeq: 1, lastSeq: 1 },
      { firstSeq: 2, lastSeq: 4 },
      { firstSeq: 5, lastSeq: 5 },
    ])
    const { seqs, names, rest } = readLog(vfs.bytes(LOG))
    expect({ seqs, names: names.join(''), rest }).toEqual({
      seqs: upTo(5),
      names: 'abcde',
      rest: 0,
    })
    expect(queue.state).toMatchObject({ nextSeq: 6, acked: 5, synced: 0, waitingBytes: 0 })
    expect(queue.state.offset).toBe(vfs.bytes(LOG).length)
    await queue.close()
  })

  it('writes what waits with one call, and syncs it with one', async () => {
    const { vfs, queue } = await rigOn({ ack: 'durable' })
    const seen = watch(vfs)
    await Promise.all(upTo(50).map((n) => queue.append([fact(n)])))
    expect(seen).toEqual(['write log', 'datasync log', 'write mark'])
    expect(queue.state).toMatchObject({ acked: 50, synced: 50 })
    await queue.close()
  })

  it('never puts more into a batch than fits, but one call always', async () => {
    const { vfs, queue } = await rigOn({ maxBatchBytes: 200 })
    const seen = watch(vfs)
    const four = [fact(4), fact(5), fact(6), fact(7)]
    await Promise.all([...upTo(3).map((n) => queue.append([fact(n)])), queue.append(four)])
    expect(seen).toEqual(['write log', 'write mark', 'write log', 'write mark'])
    expect(readLog(vfs.bytes(LOG)).seqs).toEqual(upTo(7))
    await queue.close()
  })

  it('has said so in the mark before it resolves', async () => {
    const { vfs, queue } = await rigOn()
    for (const n of upTo(5)) {
      await queue.append([fact(n)])
      expect(await markedAcked(vfs)).toBe(n)
    }
    await queue.close()
  })

  it('stores any text as it is, in lines that verify', async () => {
    const text = fc.string({ unit: 'binary' }).map((s) => JSON.stringify(s).slice(1, -1))
    const calls = fc.array(fc.array(text, { minLength: 1, maxLength: 4 }), { minLength: 1 })
    await fc.assert(
      fc.asyncProperty(calls, async (batches) => {
        const { vfs, queue } = await rigOn()
        await Promise.all(batches.map((texts) => queue.append(texts.map((t) => fact(t)))))
        const { names, seqs, rest } = readLog(vfs.bytes(LOG))
        expect(names).toEqual(batches.flat().map((t) => JSON.parse(`"${t}"`)))
        expect({ seqs, rest }).toEqual({ seqs: upTo(batches.flat().length), rest: 0 })
        await queue.close()
      }),
      { numRuns: 200 },
    )
  })

  it('takes a batch above 64 KiB, of mixed texts, with the marks that fall due in it', async () => {
    const { vfs, queue } = await rigOn()
    const facts = upTo(600).map((n) => fact(n, n % 3 === 0 ? '€'.repeat(60) : 'x'.repeat(60)))
    const result = await queue.append(facts)
    expect(result).toEqual({ firstSeq: 1, lastSeq: 600 })
    await queue.append([fact('after')])
    const { seqs, marks, rest } = readLog(vfs.bytes(LOG))
    expect({ last: seqs.at(-1), rest }).toEqual({ last: 601, rest: 0 })
    expect(marks).toBeGreaterThan(50)
    await queue.close()
  })

  it('counts what it acknowledged, marks included', async () => {
    const counted = { records: 0, bytes: 0 }
    const { vfs, queue } = await rigOn({
      onCounted: (records, bytes) => {
        counted.records += records
        counted.bytes += bytes
      },
    })
    const before = vfs.bytes(LOG).length
    for (const n of upTo(20)) await queue.append([fact(n), fact(n)])
    expect(counted).toEqual({ records: 40, bytes: vfs.bytes(LOG).length - before })
    await queue.close()
  })

  it('refuses what it cannot store, before any byte', async () => {
    const { vfs, queue } = await rigOn({ maxRecordBytes: 100 })
    const seen = watch(vfs)
    const bad: [AppendFact, string][] = [
      [{ ...fact(1), kind: 'other' as 'event' }, 'invalid_fact'],
      [{ ...fact(1), timestamp: Number.NaN }, 'invalid_fact'],
      [{ ...fact(1), timestamp: Number.POSITIVE_INFINITY }, 'invalid_fact'],
      [{ ...fact(1), timestamp: '5' as unknown as number }, 'invalid_fact'],
      [{ ...fact(1), members: '' }, 'invalid_fact'],
      [{ ...fact(1), members: '"a":\n1' }, 'invalid_fact'],
      [{ ...fact(1), members: '"a":"\0"' }, 'invalid_fact'],
      [{ ...fact(1), members: `"a":"${'x'.repeat(95)}"` }, 'record_too_large'],
      [{ ...fact(1), members: `"a":"${'€'.repeat(32)}"` }, 'record_too_large'],
    ]
    for (const [one, code] of bad) {
      expect(await outcome(queue.append([fact(0), one]))).toBe(code)
    }
    expect(await outcome(queue.append([]))).toBe('invalid_argument')
    expect(seen).toEqual([])
    expect(await queue.append([{ ...fact(1), members: `"a":"${'x'.repeat(94)}"` }])).toEqual({
      firstSeq: 1,
      lastSeq: 1,
    })
    await queue.close()
  })
})

describe('back-pressure', () => {
  it('lets callers go on, in call order, when enough has been written', async () => {
    const { queue } = await rigOn({ maxWaitingBytes: 500 })
    const order: string[] = []
    await queue.ready()
    const first = queue.append(upTo(10).map((n) => fact(n)))
    expect(queue.state.waitingBytes).toBeGreaterThan(500)
    const waiting = [
      first.then(() => order.push('written')),
      ...['a', 'b', 'c'].map((name) => queue.ready().then(() => order.push(name))),
    ]
    expect(order).toEqual([])
    await Promise.all(waiting)
    expect(order.filter((name) => name !== 'written')).toEqual(['a', 'b', 'c'])
    expect(queue.state.waitingBytes).toBe(0)
    await queue.close()
  })

  it('drops nothing, however much is handed in at once', async () => {
    const { vfs, queue } = await rigOn({ maxWaitingBytes: 100, maxBatchBytes: 1000 })
    const results = await Promise.all(upTo(3000).map((n) => queue.append([fact(n)])))
    expect(results.map(({ firstSeq }) => firstSeq)).toEqual(upTo(3000))
    expect(readLog(vfs.bytes(LOG)).seqs).toEqual(upTo(3000))
    await queue.close()
  })

  it('gives timers their turn while callers keep it busy', async () => {
    const { queue } = await rigOn()
    let fired = false
    setImmediate(() => {
      fired = true
    })
    let appends = 0
    while (!fired && appends < 10_000) {
      await queue.append([fact(appends++)])
    }
    expect(appends).toBeLessThan(10_000)
    await queue.close()
  })
})

describe('syncing', () => {
  it('flush syncs everything that was appended before, then the mark', async () => {
    const { vfs, queue } = await rigOn()
    const seen = watch(vfs)
    const append = queue.append([fact(1)])
    await queue.flush()
    expect(seen).toEqual(['write log', 'write mark', 'datasync log', 'write mark', 'datasync mark'])
    expect(queue.state).toMatchObject({ acked: 1, synced: 1 })
    await append
    await queue.close()
  })

  it('syncs by itself while there is activity, and not without', async () => {
    const { vfs, queue, timer } = await rigOn()
    await queue.append([fact(1)])
    const seen = watch(vfs)
    expect(timer.fire()).toBe(1)
    await idle()
    expect(seen).toEqual(['datasync log', 'write mark', 'datasync mark'])
    expect(timer.fire()).toBe(0)
    await queue.append([fact(2)])
    await queue.flush()
    seen.length = 0
    expect(timer.fire()).toBe(1)
    await idle()
    expect(seen).toEqual([])
    await queue.close()
  })

  it('syncs only the mark at level durable', async () => {
    const { vfs, queue, timer } = await rigOn({ ack: 'durable' })
    await queue.append([fact(1)])
    const seen = watch(vfs)
    timer.fire()
    await idle()
    expect(seen).toEqual(['write mark', 'datasync mark'])
    await queue.close()
  })
})

describe('close', () => {
  it('drains what was handed in, syncs, says so in both slots, and takes no more', async () => {
    const { vfs, queue } = await rigOn()
    const appends = upTo(10).map((n) => queue.append([fact(n)]))
    const closing = queue.close()
    expect(queue.close()).toBe(closing)
    expect(await outcome(queue.append([fact(11)]))).toBe('closed')
    expect(await outcome(queue.flush())).toBe('closed')
    await closing
    expect(await Promise.all(appends.map(outcome))).toEqual(appends.map(() => 'ok'))
    for (const { vfs: after } of vfs.crashStates()) {
      expect(readLog(after.bytes(LOG)).seqs).toEqual(upTo(10))
      expect(await markedAcked(after)).toBe(10)
    }
    const mark = vfs.bytes(`${LOG}.mark`).toString()
    expect(mark.match(/"acked":10,"synced":10/g)).toHaveLength(2)
  })
})

describe('pause and resume', () => {
  it('keeps appends waiting, and nothing touches the file meanwhile', async () => {
    const { vfs, queue } = await rigOn()
    await queue.append([fact(1)])
    await queue.pause()
    const seen = watch(vfs)
    const waiting = queue.append([fact(2)])
    await new Promise(setImmediate)
    expect(seen).toEqual([])
    queue.resume()
    expect(await waiting).toEqual({ firstSeq: 2, lastSeq: 2 })
    await queue.close()
  })

  it('waits for the batch that is on its way', async () => {
    const { vfs, queue } = await rigOn({ ack: 'durable' })
    const append = queue.append([fact(1)])
    await Promise.resolve()
    await queue.pause()
    expect(readLog(vfs.bytes(LOG)).seqs).toEqual([1])
    expect(await outcome(append)).toBe('ok')
    queue.resume()
    await queue.close()
  })

  it('goes on in another file, with the same numbers', async () => {
    const { vfs, queue, file } = await rigOn()
    await queue.append([fact(1), fact(2)])
    await queue.pause()
    const old = vfs.bytes(LOG)
    vfs.put(`${LOG}.new`, old)
    await vfs.rename(`${LOG}.new`, LOG)
    await file.close()
    const tracker = new BlockTracker({
      seed: SEED,
      generation: 2,
      offset: old.length,
      after: 2,
      total: 2,
      prev: '00000000',
      blockBytes: 1000,
    })
    const offset = old.length
    const start = { logId: LOG_ID, generation: 2, turn: 0, acked: 2, synced: 2, offset }
    const mark = await openMarkWriter(vfs, LOG, start)
    const next = await vfs.open(LOG, 'read-write')
    queue.resume({ file: next, mark, tracker, offset })
    expect(await queue.append([fact(3)])).toEqual({ firstSeq: 3, lastSeq: 3 })
    expect(readLog(vfs.bytes(LOG)).seqs).toEqual(upTo(3))
    expect(queue.state).toMatchObject({ acked: 3, synced: 2 })
    await queue.close()
    expect(() => queue.resume({ file: next, mark, tracker, offset: 1 })).toThrow(RangeError)
  })

  it('can be stopped from outside', async () => {
    const { queue, latched } = await rigOn()
    await queue.append([fact(1)])
    await queue.pause()
    const waiting = outcome(queue.append([fact(2)]))
    queue.latch(new Error('the sidecar'), 'Compaction')
    expect(await waiting).toBe('writer_latched')
    expect(latched).toHaveLength(1)
    await queue.close()
  })
})

describe('a file that somebody else touches', () => {
  const touches: [string, (vfs: MemVfs) => Promise<void>][] = [
    ['removed', (vfs) => vfs.unlink(LOG)],
    ['moved away', (vfs) => vfs.rename(LOG, '/elsewhere')],
    [
      'replaced',
      async (vfs) => {
        vfs.put('/other', 'x')
        await vfs.rename('/other', LOG)
      },
    ],
    ['cut', async (vfs) => (await vfs.open(LOG, 'read-write')).truncate(0)],
    [
      'written to',
      async (vfs) => {
        const file = await vfs.open(LOG, 'read-write')
        file.writeSync(Buffer.from('x'), 0, 1, vfs.bytes(LOG).length)
      },
    ],
  ]
  it.each(touches)('%s: the writer stops, and says which numbers may be gone', async (_, touch) => {
    const { vfs, queue, clock, latched } = await rigOn()
    await queue.append([fact(1), fact(2)])
    await touch(vfs)
    clock.advance(1000)
    expect(await outcome(queue.append([fact(3)]))).toBe('store_replaced')
    expect(await outcome(queue.append([fact(4)]))).toBe('store_replaced')
    expect(latched).toHaveLength(1)
    expect(latched[0]?.details).toMatchObject({ path: LOG, firstUnknown: 1, lastUnknown: 2 })
    expect(await outcome(queue.close())).toBe('ok')
    expect(await markedAcked(vfs)).toBe(2)
  })

  it('looks at the path at most once a second', async () => {
    const inner = memVfs()
    await createLog(inner)
    const vfs = faultVfs(inner)
    const { queue, clock } = await openQueue(vfs)
    const looks = (): number => vfs.calls.filter(({ op }) => op === 'stat').length
    await queue.append([fact(1)])
    const before = looks()
    for (const n of upTo(10)) await queue.append([fact(n)])
    expect(looks()).toBe(before)
    clock.advance(1000)
    await queue.append([fact(1)])
    expect(looks()).toBe(before + 1)
    await queue.close()
  })
})

describe('a log with numbers missing before its end', () => {
  it('goes on with the number it is told', async () => {
    const { vfs, queue } = await rigOn({ nextSeq: 6 })
    expect(await queue.append([fact(6)])).toEqual({ firstSeq: 6, lastSeq: 6 })
    expect(readLog(vfs.bytes(LOG)).seqs).toEqual([6])
    await queue.close()
    expect(HEAD.firstSeq).toBe(1)
  })
})
