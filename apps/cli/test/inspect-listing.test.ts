import { memoryBackend } from '@papyra/core'
import { expect, test } from 'vitest'
import { CapturedSink, seed, ticks, World } from './fixtures/world.js'

async function stocked(retention?: { maxRecords: number }): Promise<World> {
  const world = new World()
  const backend = memoryBackend()
  await seed(
    backend,
    async (papyra) => {
      await ticks(papyra, 6)
      await papyra.recordEvent({
        type: 'order.placed',
        actor: 'shop://orders',
        payload: { id: 'A1', total: 3, deep: { x: true } },
      })
      await papyra.recordDeadLetter({
        target: 'shop://gone',
        messageType: 'Ping',
        payload: 1,
        reason: 'mailbox_full',
      })
      await papyra.recordAudit({
        totalActors: 3,
        aliveActors: 2,
        stoppingActors: 1,
        restartingActors: 0,
        registrySize: 5,
        deadLettersCount: 1,
      })
    },
    retention === undefined ? {} : { retention },
  )
  world.configure(backend)
  return world
}

test('lists events oldest first, one a line, with number, type, actor and payload', async () => {
  const { code, stdout, stderr } = await (await stocked()).run('inspect', 'events')
  expect(code).toBe(0)
  const lines = stdout.trimEnd().split('\n')
  expect(lines).toHaveLength(7)
  expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z {2}1 {2}tick {2}test:\/\/0 {2}\{"n":0\}$/)
  expect(lines[6]).toContain(
    '  7  order.placed  shop://orders  {"id":"A1","total":3,"deep":{"x":true}}',
  )
  expect(stderr).toBe('')
})

test('filters come before the limit', async () => {
  const world = await stocked()
  const { lines } = await world.run(
    'inspect',
    'events',
    '--type',
    'order.placed',
    '--limit',
    '1',
    '--json',
  )
  expect(lines().map(({ seq }) => seq)).toEqual([7])
  const where = await world.run(
    'inspect',
    'events',
    '--where',
    'payload.n=4',
    '--limit',
    '1',
    '--json',
  )
  expect(where.lines().map(({ seq }) => seq)).toEqual([5])
})

test('--reverse and --limit give the newest', async () => {
  const { lines } = await (await stocked()).run(
    'inspect',
    'events',
    '--reverse',
    '--limit',
    '2',
    '--json',
  )
  expect(lines().map(({ seq }) => seq)).toEqual([7, 6])
})

test.each([
  ['payload.id=A1', [7]],
  ['id=A1', [7]],
  ['total=3', [7]],
  ['deep.x=true', [7]],
  ['payload.id=A2', []],
  ['event_type=tick', [1, 2, 3, 4, 5, 6]],
  ['system_id=test', [1, 2, 3, 4, 5, 6, 7]],
  ['__proto__=x', []],
  ['constructor.name=Object', []],
  ['toString=x', []],
])('--where %s', async (where, seqs) => {
  const { code, lines } = await (await stocked()).run(
    'inspect',
    'events',
    '--where',
    where,
    '--json',
  )
  expect(code).toBe(0)
  expect(lines().map(({ seq }) => seq)).toEqual(seqs)
})

test('all conditions of several --where must hold', async () => {
  const world = await stocked()
  const { lines } = await world.run(
    'inspect',
    'events',
    '--where',
    'id=A1',
    '--where',
    'total=4',
    '--json',
  )
  expect(lines()).toEqual([])
})

test('--target selects the actor of events and the target of dead letters', async () => {
  const world = await stocked()
  const events = await world.run('inspect', 'events', '--target', 'test://1', '--json')
  expect(events.lines().map(({ seq }) => seq)).toEqual([2, 4, 6])
  const letters = await world.run(
    'inspect',
    'dead-letters',
    '--target',
    'shop://gone',
    '--type',
    'Ping',
  )
  expect(letters.stdout).toMatch(/ {2}8 {2}Ping {2}shop:\/\/gone {2}reason=mailbox_full {2}1\n$/)
})

test('--since and --until bound the time', async () => {
  const world = new World()
  const backend = memoryBackend()
  const start = Date.parse('2026-03-01T00:00:00Z')
  await seed(backend, (papyra) => ticks(papyra, 10, start + 9000))
  world.configure(backend)
  const { lines } = await world.run(
    'inspect',
    'events',
    '--since',
    '2026-03-01T00:00:03Z',
    '--until',
    String(start + 6000),
    '--json',
  )
  expect(lines().map(({ seq }) => seq)).toEqual([4, 5, 6])
})

test('audits show their counts and have no --type', async () => {
  const world = await stocked()
  const { stdout } = await world.run('inspect', 'audits')
  expect(stdout).toContain('total=3  alive=2  stopping=1  restarting=0  registry=5')
  expect((await world.run('inspect', 'audits', '--type', 'x')).code).toBe(64)
})

test('what retention hides is not shown, is told, and is shown with --all', async () => {
  const world = await stocked({ maxRecords: 4 })
  const hidden = await world.run('inspect', 'events', '--json')
  expect(hidden.lines().map(({ seq }) => seq)).toEqual([6, 7])
  expect(hidden.stderr).toContain('retention (maxRecords=4) hides older records')
  const all = await world.run('inspect', 'events', '--all', '--json')
  expect(all.lines().map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(all.stderr).toBe('')
  const newest = await world.run('inspect', 'events', '--reverse', '--limit', '1', '--json')
  expect(newest.lines().map(({ seq }) => seq)).toEqual([7])
  expect(newest.stderr).toBe('')
})

test('nothing that matches is said, and is no failure', async () => {
  const { code, stdout, stderr } = await (await stocked()).run(
    'inspect',
    'events',
    '--type',
    'nope',
  )
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: 'no records match\n' })
})

test('big integers and the order of members reach --json as stored', async () => {
  const world = await stocked()
  const { stdout } = await world.run('inspect', 'events', '--type', 'order.placed', '--json')
  expect(stdout).toContain('"payload":{"id":"A1","total":3,"deep":{"x":true}}')
  expect(stdout).toMatch(
    /^\{"schema":"papyra\.record\/1","seq":7,"kind":"event","timestamp":\d+,"time":"[^"]+Z","record":\{"seq":7,/,
  )
})

test('a summary counts kinds and types', async () => {
  const world = await stocked()
  const { report } = (await world.run('inspect', 'summary', '--json')).json()
  expect(report).toMatchObject({
    records: 9,
    kinds: [
      {
        kind: 'event',
        records: 7,
        typesTotal: 2,
        types: [
          { type: 'tick', records: 6 },
          { type: 'order.placed', records: 1 },
        ],
      },
      { kind: 'dead_letter', records: 1, types: [{ type: 'Ping', records: 1 }] },
      { kind: 'audit', records: 1, types: [] },
    ],
  })
  const text = await world.run('inspect', 'summary', '--limit', '1')
  expect(text.stdout).toMatch(/event +7 /)
  expect(text.stdout).toContain('... and 1 more types')
})

test('a reader that goes away ends a listing quietly', async () => {
  const world = await stocked()
  const stdout = new CapturedSink()
  stdout.closed = true
  const { code, stderr } = await world.runWith({ stdout }, 'inspect', 'events', '--follow')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})
