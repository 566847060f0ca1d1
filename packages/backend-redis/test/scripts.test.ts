import { beforeEach, expect, test } from 'vitest'
import { runsOf } from '../src/batch.js'
import { seedOf } from '../src/entry.js'
import { checksum } from './support/checksum.js'
import { keysOf } from '../src/keys.js'
import { newMeta } from '../src/meta.js'
import type { Script } from '../src/script.js'
import { appendScript, leaveScript, settleScript } from '../src/scripts/append.js'
import { createScript } from '../src/scripts/create.js'
import { maintainScript } from '../src/scripts/maintain.js'
import { ownServer } from './support/own-server.js'

const LOG = 'log-1'
const KEYS = keysOf('papyra', 'scripts')
const NAMES = [KEYS.meta, KEYS.writers, ...KEYS.streams]
const [EVENTS = '', AUDITS = ''] = KEYS.streams

const { client } = await ownServer()

beforeEach(async () => {
  await client.flushall()
  await run(createScript, NAMES, newMeta(LOG, 1000))
})

function run(
  { text }: Script,
  keys: readonly string[],
  args: readonly unknown[],
): Promise<unknown> {
  return client.call('EVAL', text, keys.length, ...keys, ...args.map(String))
}

interface Batch {
  readonly first: number
  readonly places: readonly number[]
  readonly log?: string
  readonly epoch?: number
  readonly writer?: string
}

/** A batch of records whose text tells their number. */
function append({ first, places, log = LOG, epoch = 1, writer = 'aa' }: Batch): Promise<unknown> {
  const kinds = ['event', 'audit', 'dead_letter']
  const records = places.flatMap((place, at) => {
    const text = `"timestamp":1,"n":${first + at}`
    const key = `${writer}:${epoch}:${first + at}`
    return [checksum(seedOf(log), kinds[place - 1] ?? '', key, text), text, '\0']
  })
  const all = records.join('')
  return run(appendScript, NAMES, [log, epoch, writer, first, runsOf(places), places.length, all])
}

const ids = async (key: string): Promise<string[]> =>
  (await client.xrange(key, '-', '+')).map(([id]) => id)

/** Everything there is, to show that nothing changed. */
async function everything(): Promise<unknown> {
  const hashes = await Promise.all([client.hgetall(KEYS.meta), client.hgetall(KEYS.writers)])
  return [hashes, await Promise.all(KEYS.streams.map((key) => client.xrange(key, '-', '+')))]
}

test('create makes a store once', async () => {
  expect(await run(createScript, NAMES, newMeta('other', 1))).toEqual(['exists'])
  expect(await client.hget(KEYS.meta, 'log_id')).toBe(LOG)
  await client.del(KEYS.meta)
  await client.xadd(EVENTS, '1-0', 'a', 'b')
  expect(await run(createScript, NAMES, newMeta('other', 1))).toEqual(['leftover', 3])
  expect(await client.exists(KEYS.meta)).toBe(0)
})

test('a batch gets numbers of one counter, in order, over the streams of its kinds', async () => {
  expect(await append({ first: 1, places: [1, 2, 1] })).toEqual(['ok', '1'])
  expect(await append({ first: 4, places: [3, 1] })).toEqual(['ok', '4'])
  expect(await ids(EVENTS)).toEqual(['1-0', '3-0', '5-0'])
  expect(await ids(AUDITS)).toEqual(['2-0'])
  expect(await client.hget(KEYS.meta, 'seq')).toBe('5')
  expect(await client.hget(KEYS.writers, 'aa')).toBe('1:5:5:4:4')
  const [, , last] = await client.xrange(EVENTS, '-', '+')
  const bytes = '{"seq":1,"kind":"event","timestamp":1,"n":1}\n'.length
  const c = checksum(seedOf(LOG), 'event', 'aa:1:5', '"timestamp":1,"n":5')
  expect(last?.[1]).toEqual([`aa:1:5:${c}:3:${3 * bytes}`, '"timestamp":1,"n":5'])
})

test('a batch that comes again is recognised, and stored once', async () => {
  await append({ first: 1, places: [1] })
  const batch = { first: 2, places: [1, 2, 3] }
  expect(await append(batch)).toEqual(['ok', '2'])
  const before = await everything()
  for (let n = 0; n < 3; n += 1) expect(await append(batch)).toEqual(['ok', '2'])
  expect(await everything()).toEqual(before)
})

test.each([
  ['a number left out', { first: 4, places: [1] }, 'gap'],
  ['an older batch', { first: 1, places: [1] }, 'gap'],
  ['part of the last batch', { first: 2, places: [1] }, 'gap'],
  ['a writer that is unknown, not from its start', { first: 3, places: [1], writer: 'bb' }, 'gap'],
  ['another log', { first: 3, places: [1], log: 'log-2' }, 'replaced'],
  ['another epoch', { first: 3, places: [1], epoch: 2 }, 'epoch'],
] as const)('%s is refused, and nothing is changed', async (_, batch, status) => {
  await append({ first: 1, places: [1, 2] })
  const before = await everything()
  expect(await append(batch)).toEqual([status])
  expect(await everything()).toEqual(before)
})

test('where a stream is not as we left it nothing is appended', async () => {
  await append({ first: 1, places: [1, 1, 2] })
  await client.xdel(EVENTS, '1-0')
  const before = await everything()
  expect(await append({ first: 4, places: [2] })).toEqual(['length', 1])
  expect(await everything()).toEqual(before)
})

test('what was added before a refused entry is taken back, and its numbers are not given again', async () => {
  await append({ first: 1, places: [1] })
  await client.xadd(AUDITS, '99-0', 'a', 'b')
  await client.xdel(AUDITS, '99-0')
  expect(await append({ first: 2, places: [1, 1, 2] })).toEqual(['top', 2])
  expect(await ids(EVENTS)).toEqual(['1-0'])
  expect(await client.hget(KEYS.meta, 'added:event')).toBe('1')
  expect(await client.hget(KEYS.writers, 'aa')).toBe('1:1:1:1:1')
  expect(await append({ first: 2, places: [1] })).toEqual(['ok', '5'])
})

test('the kinds of a batch are told as runs', () => {
  expect(runsOf([])).toBe('')
  expect(runsOf([2])).toBe('2:1')
  expect(runsOf([1, 1, 3, 1, 1, 1])).toBe('1:2,3:1,1:3')
})

test('a batch of mixed runs goes where it belongs, or is taken back whole', async () => {
  const places = [1, 1, 3, 2, 2, 2, 1]
  expect(await append({ first: 1, places })).toEqual(['ok', '1'])
  expect(await ids(EVENTS)).toEqual(['1-0', '2-0', '7-0'])
  expect(await ids(AUDITS)).toEqual(['4-0', '5-0', '6-0'])
  await client.xadd(AUDITS, '99-0', 'a', 'b')
  await client.xdel(AUDITS, '99-0')
  const before = await client.hgetall(KEYS.writers)
  expect(await append({ first: 8, places: [1, 3, 3, 1, 2] })).toEqual(['top', 2])
  expect(await ids(EVENTS)).toEqual(['1-0', '2-0', '7-0'])
  expect(await client.xlen(KEYS.streams[2] ?? '')).toBe(1)
  expect(await client.hgetall(KEYS.writers)).toEqual(before)
})

test('a key of another type is an error, and nothing is changed', async () => {
  await append({ first: 1, places: [1] })
  await client.set(AUDITS, 'mine')
  await expect(append({ first: 2, places: [1] })).rejects.toThrow('WRONGTYPE')
  expect(await ids(EVENTS)).toEqual(['1-0'])
})

test('a noted loss refuses new batches, but still answers the last one', async () => {
  await append({ first: 1, places: [1] })
  await client.hset(KEYS.meta, 'suspect', '{}')
  expect(await append({ first: 1, places: [1] })).toEqual(['ok', '1'])
  expect(await append({ first: 2, places: [1] })).toEqual(['suspect'])
})

const settle = (first: number, last: number): Promise<unknown> =>
  run(settleScript, [KEYS.meta, KEYS.writers], [LOG, 1, 'aa', first, last])

test('settle tells of a batch that was stored', async () => {
  await append({ first: 1, places: [1, 1] })
  expect(await settle(1, 2)).toEqual(['ok', '1'])
})

test('settle gives up a batch that was not: should it still arrive, it is not stored', async () => {
  await append({ first: 1, places: [1] })
  expect(await settle(2, 3)).toEqual(['void'])
  expect(await settle(2, 3)).toEqual(['void'])
  expect(await append({ first: 2, places: [1, 1] })).toEqual(['void'])
  expect(await ids(EVENTS)).toEqual(['1-0'])
  expect(await append({ first: 4, places: [1] })).toEqual(['ok', '2'])
})

test('settle works for a writer of which nothing was ever stored', async () => {
  expect(await settle(1, 2)).toEqual(['void'])
  expect(await append({ first: 1, places: [1, 1] })).toEqual(['void'])
  expect(await settle(5, 6)).toEqual(['gap'])
})

test('leave takes the writer out of the table of its own store only', async () => {
  await append({ first: 1, places: [1] })
  expect(await run(leaveScript, [KEYS.meta, KEYS.writers], ['log-2', 'aa'])).toBe(0)
  expect(await run(leaveScript, [KEYS.meta, KEYS.writers], [LOG, 'aa'])).toBe(1)
})

const maintain = (rev: string, words: readonly unknown[], keys = [EVENTS]): Promise<unknown> =>
  run(maintainScript, [KEYS.meta, KEYS.aside, ...keys], [LOG, rev, ...words])

test('a step takes entries aside with their id and all their fields', async () => {
  await append({ first: 1, places: [1, 1, 1] })
  const [, second] = await client.xrange(EVENTS, '-', '+')
  expect(await maintain('0', ['take', 3, '2-0', 'corrupt_record', 'add', 'gone:event', 1])).toEqual(
    ['ok', 1],
  )
  expect(await ids(EVENTS)).toEqual(['1-0', '3-0'])
  const [[, fields] = ['', []]] = await client.xrange(KEYS.aside, '-', '+')
  const original = (second?.[1] ?? []).map((word, at) => (at % 2 === 0 ? `f:${word}` : word))
  expect(fields).toEqual(['key', EVENTS, 'id', '2-0', 'why', 'corrupt_record', ...original])
})

test('a step trims and deletes just what it names', async () => {
  await append({ first: 1, places: [1, 1, 1, 1, 1, 1] })
  await maintain('0', ['trim', 3, '3-0', 'delete', 3, 2, '4-0', '6-0'])
  expect(await ids(EVENTS)).toEqual(['3-0', '5-0'])
})

test('a step that was decided on an older revision, or another store, changes nothing', async () => {
  await append({ first: 1, places: [1, 1] })
  expect(await maintain('0', ['set', 'x', 1])).toEqual(['ok', 1])
  const before = await everything()
  expect(await maintain('0', ['trim', 3, '2-0'])).toEqual(['stale'])
  await client.hset(KEYS.meta, 'log_id', 'log-2')
  expect(await maintain('1', ['trim', 3, '2-0'])).toEqual(['replaced'])
  await client.hset(KEYS.meta, 'log_id', LOG)
  expect(await everything()).toEqual(before)
})

test('a step on a key of another type is an error, and changes nothing', async () => {
  await client.set(AUDITS, 'mine')
  const words = ['set', 'x', 1, 'trim', 4, '2-0']
  await expect(maintain('0', words, [EVENTS, AUDITS])).rejects.toThrow('WRONGTYPE')
  expect(await client.hget(KEYS.meta, 'x')).toBeNull()
})
