import assert from 'node:assert/strict'
import type { AppendFact, Backend, ReadQuery, RetentionPolicy } from '@papyra/contracts'
import fc from 'fast-check'
import { factArbitrary, policyArbitrary, queryArbitrary } from './arbitraries.js'
import { expectCode, isFact, isPlainJson, readAll, readMetas, sameRecords, sum } from './expect.js'
import type { ArrayModel } from './model.js'
import type { World } from './world.js'

/** The store under test, as the commands reach it. */
export interface Real {
  readonly world: World
  backend: Backend
}

/** One operation on the store and on the model. */
export type Command = fc.AsyncCommand<ArrayModel, Real>

class AppendCommand implements Command {
  readonly facts: readonly AppendFact[]
  constructor(facts: readonly AppendFact[]) {
    this.facts = facts
  }
  check(): boolean {
    return true
  }
  async run(model: ArrayModel, { backend }: Real): Promise<void> {
    const first = model.nextSeq
    const result = await backend.append(this.facts)
    assert.deepEqual(result, { firstSeq: first, lastSeq: first + this.facts.length - 1 })
    const stored = await readAll(backend, { afterSeq: first - 1 })
    assert.equal(stored.length, this.facts.length, 'all that was appended is there')
    for (const [index, record] of stored.entries()) {
      assert.equal(record.seq, first + index)
      isFact(record, this.facts[index] ?? assert.fail('more records than facts'))
    }
    model.append(stored)
  }
  toString(): string {
    return `append(${JSON.stringify(this.facts)})`
  }
}

class ReadCommand implements Command {
  readonly query: ReadQuery
  constructor(query: ReadQuery) {
    this.query = query
  }
  check(): boolean {
    return true
  }
  async run(model: ArrayModel, { backend }: Real): Promise<void> {
    sameRecords(await readAll(backend, this.query), model.read(this.query), String(this))
    const metas = await readMetas(backend)
    const newest = model.read({ order: 'newest' })
    assert.deepEqual(
      metas.map((meta) => [meta.seq, meta.bytes]),
      newest.map((r) => [r.seq, r.bytes]),
    )
  }
  toString(): string {
    return `read(${JSON.stringify(this.query)})`
  }
}

class CompactCommand implements Command {
  readonly policy: RetentionPolicy
  readonly dry: boolean
  readonly force: boolean
  constructor(policy: RetentionPolicy, dry: boolean, force: boolean) {
    this.policy = policy
    this.dry = dry
    this.force = force
  }
  check(): boolean {
    return true
  }
  async run(model: ArrayModel, { backend, world }: Real): Promise<void> {
    const { policy, force } = this
    const plan = model.plan(policy, world.subject.clock.now())
    const runs = this.dry && backend.capabilities.dryRun ? [true, false] : [false]
    for (const dryRun of runs) {
      if (plan.kept.length === 0 && model.records.length > 0 && !force) {
        await expectCode(String(this), 'drop_all_refused', () =>
          backend.compact({ policy, dryRun }),
        )
        continue
      }
      const before = model.records.length
      const report = await backend.compact({ policy, dryRun, force })
      isPlainJson(report, 'a compaction report')
      assert.deepEqual(report.records, { before, after: plan.kept.length }, String(this))
      assert.equal(sum(report.dropped.map((entry) => entry.records)), plan.dropped.length)
      assert.equal(
        sum(report.dropped.map((entry) => entry.bytes)),
        sum(plan.dropped.map((entry) => entry.bytes)),
      )
      assert.equal(report.changed, plan.dropped.length > 0, `${String(this)}: changed`)
      if (!dryRun) model.compact(plan)
      sameRecords(await readAll(backend), model.read({}), `after ${String(this)}`)
    }
  }
  toString(): string {
    return `compact(${JSON.stringify(this.policy)}, dry ${String(this.dry)}, force ${String(this.force)})`
  }
}

class ReopenCommand implements Command {
  check(): boolean {
    return true
  }
  async run(model: ArrayModel, real: Real): Promise<void> {
    await real.backend.close()
    real.backend = await real.world.openWriter()
    const { nextSeq } = await real.backend.begin()
    assert.equal(nextSeq, model.nextSeq, 'the next number after reopening')
    sameRecords(await readAll(real.backend), model.read({}), 'after reopening')
  }
  toString(): string {
    return 'reopen'
  }
}

class ScanCommand implements Command {
  check(): boolean {
    return true
  }
  async run(model: ArrayModel, { backend }: Real): Promise<void> {
    const report = await backend.scan()
    assert.deepEqual(report.anomalies, [], 'the store is sound')
    assert.equal(report.records, model.records.length)
  }
  toString(): string {
    return 'scan'
  }
}

class ResetCommand implements Command {
  check(): boolean {
    return true
  }
  async run(model: ArrayModel, { backend }: Real): Promise<void> {
    const { totals, sinceReset } = await backend.resetMetrics()
    assert.equal(totals.recordsWritten, model.nextSeq - 1, 'all that was ever written')
    assert.equal(totals.recordsStored, model.records.length, 'what is stored now')
    assert.equal(sinceReset.recordsWritten, 0)
  }
  toString(): string {
    return 'resetMetrics'
  }
}

class AdvanceCommand implements Command {
  readonly ms: number
  constructor(ms: number) {
    this.ms = ms
  }
  check(): boolean {
    return true
  }
  run(_model: ArrayModel, { world }: Real): Promise<void> {
    world.subject.clock.advance(this.ms)
    return Promise.resolve()
  }
  toString(): string {
    return `advance(${String(this.ms)})`
  }
}

/** Random command sequences for a store with these capabilities. */
export function commandsArbitrary(
  capabilities: Backend['capabilities'],
  now: () => number,
): fc.Arbitrary<Iterable<Command>> {
  const facts = fc.array(factArbitrary(now), { minLength: 1, maxLength: 6 })
  const append = facts.map((list) => new AppendCommand(list))
  const commands: fc.Arbitrary<Command>[] = [
    append,
    append,
    append,
    queryArbitrary(now).map((query) => new ReadCommand(query)),
    queryArbitrary(now).map((query) => new ReadCommand(query)),
    fc.constant(new ScanCommand()),
    fc.constant(new ResetCommand()),
    fc.integer({ min: 1, max: 40_000 }).map((ms) => new AdvanceCommand(ms)),
  ]
  if (capabilities.compaction) {
    const args = fc.tuple(policyArbitrary(), fc.boolean(), fc.boolean())
    commands.push(args.map(([policy, dry, force]) => new CompactCommand(policy, dry, force)))
  }
  if (capabilities.persistent) commands.push(fc.constant(new ReopenCommand()))
  return fc.commands(commands, { maxCommands: 30, size: 'max' })
}
