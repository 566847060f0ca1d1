import { describe, expect, it, onTestFinished } from 'vitest'
import type { PapyraError } from '@papyra/contracts'
import { type Fault, everyFault, faultVfs, memVfs, type MemVfs } from '../../src/testing/index.js'
import type { Vfs } from '../../src/vfs.js'
import {
  createLog,
  fact,
  LOG,
  markedAcked,
  openQueue,
  outcome,
  readLog,
  upTo,
} from './queue-harness.js'

async function machine(): Promise<MemVfs> {
  const vfs = memVfs()
  await createLog(vfs)
  return vfs
}

const rejected = (promise: Promise<unknown>): Promise<PapyraError> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: PapyraError) => error,
  )

describe('a write that does not write everything', () => {
  it('is undone, wherever it stops, and its numbers are given again', async () => {
    const three = [fact('a'), fact('b', '€'), fact('c')]
    const probe = await openQueue(await machine())
    await probe.queue.append([fact('first')])
    const start = probe.queue.state.offset
    await probe.queue.append(three)
    const length = probe.queue.state.offset - start
    expect(length).toBeGreaterThan(300)
    for (const after of [undefined, 'ENOSPC']) {
      for (let short = 0; short < length; short++) {
        const inner = await machine()
        const vfs = faultVfs(inner)
        const { queue, latched } = await openQueue(vfs)
        await queue.append([fact('first')])
        const before = inner.bytes(LOG)
        const fault: Fault = after === undefined ? { short } : { short, error: after }
        vfs.rule = ({ op, path }) => (op === 'write' && path === LOG ? fault : null)
        const error = await rejected(queue.append(three))
        expect(error).toMatchObject({ code: 'write_failed', details: { offset: start } })
        expect(inner.bytes(LOG).equals(before)).toBe(true)
        vfs.rule = () => null
        expect(await queue.append(three)).toEqual({ firstSeq: 2, lastSeq: 4 })
        expect(readLog(inner.bytes(LOG))).toMatchObject({ seqs: upTo(4), rest: 0 })
        expect(latched).toEqual([])
        await queue.close()
      }
    }
  })

  it('says what the system said', async () => {
    const vfs = faultVfs(await machine())
    const { queue } = await openQueue(vfs)
    vfs.rule = ({ op }) => (op === 'write' ? { error: 'EDQUOT' } : null)
    const error = await rejected(queue.append([fact(1)]))
    expect(error.message).toContain('EDQUOT')
    expect(error.details).toMatchObject({ path: LOG, errno: 'EDQUOT' })
    expect(error.cause).toMatchObject({ code: 'Unknown system error -122' })
  })

  it('happens on a full disk, and is over when there is room again', async () => {
    const vfs = await machine()
    const { queue } = await openQueue(vfs)
    await queue.append([fact(1)])
    const used = vfs.bytes(LOG).length + vfs.bytes(`${LOG}.mark`).length
    vfs.capacity = used + 150
    const tried = upTo(3).map((n) => outcome(queue.append([fact(`full ${n}`)])))
    expect(await Promise.all(tried)).toEqual(upTo(3).map(() => 'write_failed'))
    expect(await outcome(queue.append([fact(2)]))).toBe('ok')
    expect(await outcome(queue.append([fact(3)]))).toBe('write_failed')
    vfs.capacity = Number.POSITIVE_INFINITY
    expect(await queue.append([fact(3)])).toEqual({ firstSeq: 3, lastSeq: 3 })
    expect(readLog(vfs.bytes(LOG))).toMatchObject({
      seqs: upTo(3),
      names: ['1', '2', '3'],
      rest: 0,
    })
    await queue.close()
  })

  it('keeps the block marks right', async () => {
    const inner = await machine()
    const vfs = faultVfs(inner)
    const { queue } = await openQueue(vfs)
    for (const n of upTo(60)) {
      vfs.rule = ({ op, path }) =>
        op === 'write' && path === LOG && n % 3 === 0 ? { short: (n * 37) % 150 } : null
      const tried = outcome(queue.append([fact(n), fact(n)]))
      expect(await tried).toBe(n % 3 === 0 ? 'write_failed' : 'ok')
    }
    const { seqs, marks } = readLog(inner.bytes(LOG))
    expect(seqs).toEqual(upTo(80))
    expect(marks).toBeGreaterThan(5)
    vfs.rule = () => null
    await queue.close()
  })
})

describe('a write that cannot be undone', () => {
  it('stops the writer and names the numbers whose fate is unknown', async () => {
    const inner = await machine()
    const vfs = faultVfs(inner)
    const { queue, latched } = await openQueue(vfs)
    await queue.append([fact(1)])
    vfs.rule = ({ op }) =>
      op === 'write' ? { short: 20 } : op === 'truncate' ? { error: 'EIO' } : null
    const tried = [queue.append([fact(2), fact(3)]), queue.append([fact(4)])]
    for (const error of await Promise.all(tried.map(rejected))) {
      expect(error).toMatchObject({ code: 'writer_latched' })
      expect(error.details).toMatchObject({ firstUnknown: 2, lastUnknown: 4, errno: 'EIO' })
    }
    vfs.rule = () => null
    expect(await outcome(queue.append([fact(5)]))).toBe('writer_latched')
    expect(await outcome(queue.flush())).toBe('writer_latched')
    expect(latched).toHaveLength(1)
    expect(queue.state.latched).toBe(latched[0])
    expect(await outcome(queue.close())).toBe('ok')
    expect(await markedAcked(inner)).toBe(1)
  })

  it('is noticed even if the system says that it was undone', async () => {
    const inner = await machine()
    const vfs = faultVfs(inner)
    const { queue, file } = await openQueue(vfs)
    file.truncate = () => Promise.resolve()
    vfs.rule = ({ op }) => (op === 'write' ? { short: 20 } : null)
    expect(await outcome(queue.append([fact(1)]))).toBe('writer_latched')
  })
})

describe('a sync that fails', () => {
  const failing = async (): Promise<{ inner: MemVfs; vfs: ReturnType<typeof faultVfs> }> => {
    const inner = await machine()
    const vfs = faultVfs(inner)
    return { inner, vfs }
  }

  it('stops the writer at once: the second sync would lie', async () => {
    const { inner, vfs } = await failing()
    const { queue, latched } = await openQueue(vfs, { ack: 'durable' })
    await queue.append([fact(1)])
    let syncs = 0
    vfs.rule = ({ op, path }) => {
      if (op !== 'datasync' || path !== LOG) return null
      return syncs++ === 0 ? { error: 'EIO' } : null
    }
    const tried = [queue.append([fact(2)]), queue.append([fact(3)])]
    await Promise.resolve()
    const late = queue.append([fact(4)])
    for (const error of await Promise.all([...tried, late].map(rejected))) {
      expect(error.code).toBe('writer_latched')
      expect(error.details).toMatchObject({ firstUnknown: 2 })
    }
    expect(await outcome(queue.append([fact(5)]))).toBe('writer_latched')
    expect(await outcome(queue.close())).toBe('ok')
    expect(syncs).toBe(1)
    expect(latched).toHaveLength(1)
    expect(await markedAcked(inner)).toBe(1)
  })

  it('is caught: a build that goes on as if nothing had happened loses records', async () => {
    const losses = async (broken: boolean): Promise<number> => {
      const { inner, vfs } = await failing()
      const { queue, file } = await openQueue(vfs, { ack: 'durable' })
      const datasync = file.datasync.bind(file)
      if (broken) file.datasync = () => datasync().catch(() => undefined)
      await queue.append([fact(1)])
      vfs.rule = ({ op, path }) => (op === 'datasync' && path === LOG ? { error: 'EIO' } : null)
      const acked = (await outcome(queue.append([fact(2)]))) === 'ok' ? 2 : 1
      let lost = 0
      for (const { vfs: after } of inner.crashStates()) {
        if (readLog(after.bytes(LOG)).seqs.length < acked) lost++
      }
      return lost
    }
    expect(await losses(false)).toBe(0)
    expect(await losses(true)).toBeGreaterThan(0)
  })

  it('of the periodic kind stops a flushed writer, and says what may be gone', async () => {
    const { vfs } = await failing()
    const { queue, timer, latched } = await openQueue(vfs)
    await queue.append([fact(1), fact(2)])
    vfs.rule = ({ op }) => (op === 'datasync' ? { error: 'EIO' } : null)
    timer.fire()
    await new Promise(setImmediate)
    expect(latched[0]?.details).toMatchObject({ firstUnknown: 1, lastUnknown: 2 })
    expect(await outcome(queue.append([fact(3)]))).toBe('writer_latched')
  })

  it('at the end makes close reject, and the mark is let go all the same', async () => {
    const { vfs } = await failing()
    const { queue } = await openQueue(vfs)
    await queue.append([fact(1)])
    vfs.rule = ({ op }) => (op === 'datasync' ? { error: 'EIO' } : null)
    expect(await outcome(queue.close())).toBe('writer_latched')
    expect(await outcome(queue.close())).toBe('writer_latched')
  })
})

interface Told {
  readonly names: readonly string[]
  readonly seqs: readonly number[]
  readonly how: string
}

/** Some callers at once, some one behind the other, a flush in between; then the end. */
async function work(vfs: Vfs, ack: 'flushed' | 'durable'): Promise<Told[]> {
  const rig = await openQueue(vfs, { ack, maxBatchBytes: 250 }).catch(() => null)
  if (rig === null) return []
  const { queue, clock, timer } = rig
  const told: Told[] = []
  const append = async (...names: string[]): Promise<void> => {
    const done = queue.append(names.map((name) => fact(name)))
    const how = await outcome(done)
    const seqs = how === 'ok' ? await done.then((r) => [r.firstSeq, r.lastSeq]) : []
    told.push({ names, seqs, how })
  }
  for (const round of upTo(3)) {
    await Promise.all([append(`${round}a`), append(`${round}b`, `${round}c`), append(`${round}d`)])
    await append(`${round}e`)
    if (round === 1) await outcome(queue.flush())
    clock.advance(1000)
    timer.fire()
  }
  await outcome(queue.close())
  return told
}

/** What must be true of the log, whatever failed. */
function check(bytes: Buffer, told: readonly Told[], mayHoldRefused: boolean): void {
  const log = readLog(bytes)
  if (!mayHoldRefused) expect(log.rest).toBe(0)
  expect(log.seqs).toEqual(upTo(log.seqs.length))
  for (const { names, seqs, how } of told) {
    const stored = names.map((name) => log.names.indexOf(name) + 1)
    if (how === 'ok') expect([stored[0], stored.at(-1)]).toEqual(seqs)
    else if (how === 'write_failed') expect(stored).toEqual(names.map(() => 0))
    else expect(['writer_latched', 'store_replaced']).toContain(how)
  }
}

describe('every call fails once', () => {
  it.each(['flushed', 'durable'] as const)('%s: nothing acknowledged is lost', async (ack) => {
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    onTestFinished(() => void process.off('unhandledRejection', note))
    let healed = 0
    let latched = 0
    const runs = await everyFault(
      machine,
      async (vfs, sound, context) => {
        const told = await work(vfs, ack)
        const stopped = told.some(({ how }) => how === 'writer_latched')
        check(sound.bytes(LOG), told, stopped)
        const acked = told.filter(({ how }) => how === 'ok').flatMap(({ seqs }) => seqs)
        // A slot that no write can mend any more leaves the other one: what was synced last.
        const torn = context?.call.path.endsWith('.mark') && context.mode === 'sticky'
        const marked = await markedAcked(sound)
        if (!torn)
          expect(marked, context?.description).toBeGreaterThanOrEqual(Math.max(0, ...acked))
        expect(readLog(sound.bytes(LOG)).seqs.length).toBeGreaterThanOrEqual(marked)
        if (ack === 'durable') {
          for (const { vfs: after } of sound.crashStates({ samples: 8 })) {
            check(
              after.bytes(LOG),
              told.filter(({ how }) => how === 'ok'),
              true,
            )
          }
        }
        if (context === null) expect(told.map(({ how }) => how)).toEqual(Array(12).fill('ok'))
        if (stopped) latched++
        else if (told.some(({ how }) => how === 'write_failed') && told.at(-1)?.how === 'ok')
          healed++
      },
      {
        ops: ['write', 'datasync', 'truncate', 'fstat', 'stat'],
        faults: [
          { error: 'EIO' },
          { error: 'ENOSPC' },
          { error: 'EDQUOT' },
          { error: 'EROFS' },
          { short: 0 },
          { short: 50 },
          { short: 300 },
          { short: 50, error: 'ENOSPC' },
        ],
        paths: (path) => path === LOG || path === `${LOG}.mark`,
      },
    )
    await new Promise(setImmediate)
    expect(unhandled).toEqual([])
    expect(runs).toBeGreaterThan(300)
    expect(healed).toBeGreaterThan(50)
    expect(latched).toBeGreaterThan(20)
  })
})
