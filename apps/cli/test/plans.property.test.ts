// Of everything that destroys there is a plan first: what is gone afterwards is what it said, to the record,
// all else is as it was, and where another act came between nothing is done.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jsonBackend } from '@papyra/backend-json'
import { redisBackend } from '@papyra/backend-redis'
import { openConsumerGroup } from '@papyra/backend-redis/consumer-groups'
import { rotationBackend } from '@papyra/backend-rotation'
import type {
  Backend,
  BackendDefinition,
  CompactionReport,
  GroupAct,
  RecordMeta,
  RecoveryReport,
  RetentionPolicy,
} from '@papyra/contracts'
import { memoryBackend } from '@papyra/core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startRedis, type RedisServer } from './fixtures/redis.js'
import { World } from './fixtures/world.js'

let server: RedisServer
let made = 0
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

const RUNS = { numRuns: 40 }
const KINDS = ['event', 'dead_letter'] as const

const BACKENDS: Readonly<Record<string, (world: World, name: string) => BackendDefinition>> = {
  json: (world, name) => jsonBackend({ path: world.path(`${name}.ndjson`), ack: 'flushed' }),
  rotation: (world, name) =>
    rotationBackend({ dir: world.path(name), ack: 'flushed', segment: { maxRecords: 7 } }),
  memory: () => memoryBackend(),
  redis: (_world, system) => redisBackend({ url: server.url, system }),
}

interface Fact {
  readonly kind: (typeof KINDS)[number]
  readonly size: number
}

const facts = (minLength: number) =>
  fc.array(fc.record({ kind: fc.constantFrom(...KINDS), size: fc.nat(200) }), {
    minLength,
    maxLength: 40,
  })
const limits = fc.oneof(
  fc.record({ maxRecords: fc.integer({ min: 1, max: 30 }) }),
  fc.record({ maxTotalBytes: fc.integer({ min: 300, max: 6000 }) }),
)
const policies: fc.Arbitrary<RetentionPolicy> = fc.oneof(
  limits,
  limits.map((event) => ({ perKind: { event } })),
  fc.tuple(limits, limits).map(([all, letters]) => ({ ...all, perKind: { dead_letter: letters } })),
)

async function append(backend: Backend, some: readonly Fact[]): Promise<void> {
  if (some.length === 0) return
  await backend.append(
    some.map(({ kind, size }) => {
      const what = kind === 'event' ? '"event_type":"tick"' : '"message_type":"tick"'
      const members = `"system_id":"plans",${what},"payload":"${'x'.repeat(size)}"`
      return { kind, timestamp: Date.now(), members }
    }),
  )
}

/** Every record as it is stored, by its number. */
async function contents(backend: Backend): Promise<Map<number, string>> {
  const found = new Map<number, string>()
  for await (const { seq, json } of backend.read({ onDamage: () => undefined })) {
    found.set(seq, json)
  }
  return found
}

async function metas(backend: Backend): Promise<RecordMeta[]> {
  const found: RecordMeta[] = []
  for await (const meta of backend.readMeta()) found.push(meta)
  return found
}

/** What is left is as it was. Gives the numbers of what is gone. */
function goneOf(before: Map<number, string>, after: Map<number, string>): number[] {
  for (const [seq, json] of after) expect(json).toBe(before.get(seq))
  return [...before.keys()].filter((seq) => !after.has(seq))
}

/** The records that are gone are just those that the report tells of: by kind, number, bytes and place. */
function expectTold(report: CompactionReport, gone: readonly RecordMeta[]): void {
  const { dropped } = report
  for (const kind of KINDS) {
    const mine = gone.filter((meta) => meta.kind === kind)
    const told = dropped.filter((one) => one.kind === kind)
    expect(sum(told.map(({ records }) => records))).toBe(mine.length)
    expect(sum(told.map(({ bytes }) => bytes))).toBe(sum(mine.map(({ bytes }) => bytes)))
    const places = told.flatMap(({ seq }) => [seq.first, seq.last])
    const seqs = mine.map(({ seq }) => seq)
    if (mine.length > 0)
      expect([Math.min(...places), Math.max(...places)]).toEqual([
        Math.min(...seqs),
        Math.max(...seqs),
      ])
  }
  expect(report.records.before - report.records.after).toBe(gone.length)
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)

/** A new store with these facts, and what the work does with it. */
async function withStore(
  use: string,
  some: readonly Fact[],
  work: (backend: Backend) => Promise<void>,
): Promise<{ readonly definition: BackendDefinition; readonly world: World }> {
  const world = new World()
  made += 1
  const definition = BACKENDS[use]?.(world, `plans-${made}`) as BackendDefinition
  const backend = await definition.open({ access: 'write', create: 'if-missing' })
  try {
    await backend.begin()
    await append(backend, some)
    await work(backend)
    return { definition, world }
  } finally {
    await backend.close()
  }
}

/** What a policy could not do is refused by the plan too, and then there is nothing to hold. */
const planOf = (backend: Backend, policy: RetentionPolicy): Promise<CompactionReport> =>
  backend.compact({ policy, dryRun: true, force: true })

describe.each(['json', 'rotation', 'memory', 'redis'])('a compaction of %s', (use) => {
  test('takes what the plan says, whatever was appended since, and nothing once another act came between', async () => {
    const acts = fc.constantFrom('none', 'compaction')
    await fc.assert(
      fc.asyncProperty(facts(5), policies, facts(0), acts, async (some, policy, later, act) => {
        await withStore(use, some, async (backend) => {
          const planned = await planOf(backend, policy)
          const before = await contents(backend)
          const sizes = await metas(backend)
          expect(before.size).toBe(some.length)
          if (!backend.capabilities.plans) {
            const done = await backend.compact({ policy, force: true })
            const gone = goneOf(before, await contents(backend))
            expect(done.dropped).toEqual(planned.dropped)
            expectTold(
              planned,
              sizes.filter(({ seq }) => gone.includes(seq)),
            )
            return
          }
          await append(backend, later)
          const plan = planned.plan?.id ?? ''
          if (act === 'compaction') {
            const { changed } = await backend.compact({ policy: { maxRecords: 1 }, force: true })
            const left = await contents(backend)
            if (changed) {
              const refused = backend.compact({ plan, force: true })
              await expect(refused).rejects.toHaveProperty('code', 'stale_plan')
              expect(await contents(backend)).toEqual(left)
            }
            return
          }
          const whole = await contents(backend)
          const done = await backend.compact({ plan, force: true })
          const gone = goneOf(whole, await contents(backend))
          const told = sizes.filter(({ seq }) => gone.includes(seq))
          expect(told).toHaveLength(gone.length)
          expectTold(planned, told)
          expect(done.dropped).toEqual(planned.dropped)
        })
      }),
      RUNS,
    )
  })
})

test('a trim takes no more than the plan says, and tells how much it left', async () => {
  await fc.assert(
    fc.asyncProperty(facts(20), limits, async (some, policy) => {
      await withStore('redis', some, async (backend) => {
        const planned = await planOf(backend, policy)
        const before = await contents(backend)
        const sizes = await metas(backend)
        const done = await backend.compact({ policy, force: true, approximate: true })
        const gone = goneOf(before, await contents(backend))
        expectTold(
          done,
          sizes.filter(({ seq }) => gone.includes(seq)),
        )
        expect(gone.length).toBeLessThanOrEqual(sum(planned.dropped.map(({ records }) => records)))
        const again = await backend
          .compact({ plan: planned.plan?.id ?? '', force: true })
          .catch((error: { code: string }) => error.code)
        if (gone.length > 0) expect(again).toBe('stale_plan')
      })
    }),
    RUNS,
  )
})

type Damage = { readonly at: number; readonly how: 'flip' | 'cut' }
const damages: fc.Arbitrary<Damage> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  how: fc.constantFrom('flip', 'cut'),
})

const told = ({ losses }: RecoveryReport): object[] =>
  losses.map(({ seq, records, code }) => ({ seq, records, code }))

describe.each(['json', 'rotation', 'redis'])('a recovery of %s', (use) => {
  test('loses and sets aside what the plan says', async () => {
    await fc.assert(
      fc.asyncProperty(facts(8), damages, async (some, damage) => {
        let before = new Map<number, string>()
        const { definition, world } = await withStore(use, some, async (backend) => {
          before = await contents(backend)
        })
        if (use === 'redis') await deleteEntry(`plans-${made}`, damage)
        else damageFile(world, damage)
        const backend = await definition.open({ access: 'write' })
        try {
          const options = { mode: 'repair', acceptLoss: true, force: true } as const
          const planned = await backend.recover({ ...options, dryRun: true })
          const plan = planned.plan?.id ?? ''
          const done = await backend.recover({ ...options, plan })
          expect(told(done)).toEqual(told(planned))
          expect(done.recordsKept).toBe(planned.recordsKept)
          expect(done.bytesSetAside).toBe(planned.bytesSetAside)
          expect(done.changed).toBe(!planned.before.clean)
          const after = await contents(backend)
          const gone = goneOf(before, after)
          expect(after.size).toBe(planned.recordsKept)
          expect(sum(planned.losses.map(({ records }) => records))).toBe(gone.length)
          for (const seq of gone) {
            const range = planned.losses.find(
              (loss) => loss.seq !== null && loss.seq.first <= seq && seq <= loss.seq.last,
            )
            expect(range, `record ${seq} is told as lost`).toBeDefined()
          }
          const late = await backend
            .recover({ ...options, plan })
            .catch((error: { code: string }) => error.code)
          if (done.changed) expect(late).toBe('stale_plan')
          const again = await backend.recover(options)
          expect(again.changed).toBe(false)
        } finally {
          await backend.close()
        }
      }),
      RUNS,
    )
  })
})

/** One bit, or all from there on, of one file of records. */
function damageFile(world: World, { at, how }: Damage): void {
  const names = readdirSync(world.dir, { recursive: true, encoding: 'utf8' })
  const files = names.filter((name) => name.endsWith('.ndjson')).sort()
  const file = join(world.dir, files[Math.floor(at * 0.999 * files.length)] ?? '')
  const bytes = readFileSync(file)
  // The head of a file says what it is: without it, that is another damage.
  const head = bytes.indexOf(10) + 1
  const place = head + Math.floor(at * (bytes.length - head - 1))
  if (how === 'flip') bytes[place] = (bytes[place] ?? 0) ^ 1
  writeFileSync(file, how === 'flip' ? bytes : bytes.subarray(0, place))
}

async function deleteEntry(system: string, { at }: Damage): Promise<void> {
  const stream = `{papyra:${system}}:events`
  const entries = await server.client.xrange(stream, '-', '+')
  const [id] = entries[Math.floor(at * 0.999 * entries.length)] ?? []
  if (id !== undefined) await server.client.xdel(stream, id)
}

test('an act on a group changes what its plan says, and nothing once another act came between', async () => {
  const whats = fc.constantFrom('claim', 'remove_consumer', 'remove_group', 'reset')
  const counts = fc.integer({ min: 1, max: 12 })
  await fc.assert(
    fc.asyncProperty(
      whats,
      counts,
      fc.nat(20),
      fc.boolean(),
      async (what, held, after, between) => {
        const some = Array.from({ length: 20 }, () => ({ kind: 'event', size: 5 }) as const)
        await withStore('redis', some, async (backend) => {
          const ref = { kind: 'event', group: 'mail' } as const
          const consumer = await holding(`plans-${made}`, held)
          const act: GroupAct = {
            claim: { ...ref, what: 'claim', to: 'heir', minIdleMs: 0 } as const,
            remove_consumer: { ...ref, what: 'remove_consumer', consumer, to: 'heir' } as const,
            remove_group: { ...ref, what: 'remove_group' } as const,
            reset: { ...ref, what: 'reset', after } as const,
          }[what]
          const { groups } = backend
          if (groups === undefined) throw new Error('it has no groups')
          const pending = async (): Promise<Map<number, string>> => {
            const found = new Map<number, string>()
            for await (const one of groups.pending(ref)) found.set(one.seq, one.consumer)
            return found
          }
          const records = await contents(backend)
          const plan = await groups.plan(act)
          const before = await pending()
          if (between) {
            await groups.apply(
              (await groups.plan({ ...ref, what: 'claim', to: 'x', minIdleMs: 0 })).id,
            )
            if (what !== 'reset' && what !== 'remove_group') {
              await expect(groups.apply(plan.id)).rejects.toHaveProperty('code', 'stale_plan')
              expect(new Set((await pending()).values())).toEqual(new Set(['x']))
            }
            return
          }
          const done = await groups.apply(plan.id)
          expect(plan.pendingTotal).toBe(plan.pending.length)
          expect(await contents(backend)).toEqual(records)
          if (what === 'remove_group') {
            expect(await groups.list()).toEqual([])
            expect(done.forgotten).toBe(before.size)
            expect(plan.pending.map(({ seq }) => seq)).toEqual([...before.keys()])
            return
          }
          const now = await pending()
          const moved = plan.pending.map(({ seq }) => seq)
          if (what === 'reset') expect([now, moved]).toEqual([before, []])
          else expect([...now]).toEqual(moved.map((seq) => [seq, 'heir']))
          const [group] = await groups.list()
          if (what === 'reset') expect(group?.lag.records).toBe(20 - after)
          expect(plan.skipped).toBe(what === 'reset' ? Math.max(0, after - held) : 0)
          expect(plan.redelivered).toBe(what === 'reset' ? Math.max(0, held - after) : 0)
        })
      },
    ),
    { numRuns: 50 },
  )
})

/** A consumer of a new group takes so many and dies; gives its name. */
async function holding(system: string, count: number): Promise<string> {
  const store = { url: server.url, system }
  const group = await openConsumerGroup({ store, kind: 'event', group: 'mail' })
  await group.ensure({ start: 'oldest' })
  let [taken, name] = [0, '']
  for await (const one of group.consume({ consumer: 'c', batch: 1, claimEveryMs: 0 })) {
    name = one.consumer
    taken += 1
    if (taken === count) break
  }
  await group.close()
  return name
}
