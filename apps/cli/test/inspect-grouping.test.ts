import { memoryBackend } from '@papyra/core'
import { expect, test } from 'vitest'
import { seed, World } from './fixtures/world.js'

const LETTERS = [
  { target: 'shop://till', messageType: 'add', reason: 'stopped', payload: { id: 'L1' } },
  { target: 'shop://mail', messageType: 'send', reason: 'mailbox_full', payload: { id: 'L2' } },
  { target: 'shop://till', messageType: 'add', reason: 'crashed', payload: { id: 'L3' } },
  { target: 'shop://till', messageType: 'total', reason: 'stopped', payload: { id: 'L4' } },
  { target: 'shop://till', messageType: 'add', reason: 'stopped', payload: { id: 'L5' } },
  { target: null, messageType: 'add', payload: 7 },
] as const

async function stocked(retention?: { maxRecords: number }): Promise<World> {
  const world = new World()
  const backend = memoryBackend()
  const record = async (papyra: Parameters<Parameters<typeof seed>[1]>[0]): Promise<void> => {
    await papyra.recordEvent({ type: 'order.placed', payload: 1 })
    for (const letter of LETTERS) await papyra.recordDeadLetter(letter)
  }
  await seed(backend, record, retention === undefined ? {} : { retention })
  world.configure(backend)
  return world
}

interface Report {
  readonly records: number
  readonly groupsTotal: number
  readonly groups: readonly Readonly<Record<string, unknown>>[]
}

async function grouped(world: World, ...args: string[]): Promise<Report> {
  const { code, json } = await world.run('inspect', 'dead-letters', ...args, '--json')
  expect(code).toBe(0)
  return json().report as unknown as Report
}

test('counts dead letters by one field, the largest group first', async () => {
  const { records, groups } = await grouped(await stocked(), '--group-by', 'target')
  expect(records).toBe(6)
  expect(
    groups.map(({ target, count, lastSeq, lastId }) => [target, count, lastSeq, lastId]),
  ).toEqual([
    ['shop://till', 4, 6, 'L5'],
    [null, 1, 7, null],
    ['shop://mail', 1, 3, 'L2'],
  ])
})

test('counts by several fields, and filters come first', async () => {
  const world = await stocked()
  const all = await grouped(world, '--group-by', 'Type,reason,type', '--limit', '1')
  expect(all.groupsTotal).toBe(5)
  expect(all.groups).toMatchObject([{ type: 'add', reason: 'stopped', count: 2 }])
  expect(Object.keys(all.groups[0] ?? {})).not.toContain('target')
  const some = await grouped(
    world,
    '--group-by',
    'reason',
    '--target',
    'shop://till',
    '--type',
    'add',
  )
  expect(some.groups.map(({ reason, count }) => [reason, count])).toEqual([
    ['stopped', 2],
    ['crashed', 1],
  ])
})

test('shows a table, says what --limit left out, and when nothing matches', async () => {
  const world = await stocked()
  const { stdout } = await world.run(
    'inspect',
    'dead-letters',
    '--group-by',
    'target,reason',
    '--limit',
    '1',
  )
  const [head, row, more] = stdout.trimEnd().split('\n')
  expect(head).toMatch(/^RECORDS +FIRST +LAST +LAST RECORD +TARGET +REASON$/)
  expect(row).toMatch(/^ *3 +\S+Z +\S+Z +6 +shop:\/\/till +stopped$/)
  expect(more).toBe('... and 3 more groups (--limit N)')
  const none = await world.run('inspect', 'dead-letters', '--group-by', 'type', '--type', 'none')
  expect([none.code, none.stdout, none.stderr]).toEqual([0, '', 'no records match\n'])
})

test('counts what retention hides only with --all, and says so', async () => {
  const world = await stocked({ maxRecords: 2 })
  expect((await grouped(world, '--group-by', 'target')).records).toBe(2)
  expect((await grouped(world, '--group-by', 'target', '--all')).records).toBe(6)
  const { stderr } = await world.run('inspect', 'dead-letters', '--group-by', 'target')
  expect(stderr).toContain('--all counts them')
})

test.each([
  [['--group-by', 'payload'], 'Use one of: target, type, reason.'],
  [['--group-by', 'target', '--follow'], '--follow'],
  [['--group-by', 'target', '--reverse'], '--reverse'],
])('refuses %j', async (args, says) => {
  const { code, stderr } = await (await stocked()).run('inspect', 'dead-letters', ...args)
  expect(code).toBe(64)
  expect(stderr).toContain(says)
})
