import assert from 'node:assert/strict'
import type { AppendFact, CompactionReport, RetentionPolicy } from '@papyra/contracts'
import type { Check, Need } from './check.js'
import { bytesOf, readMetas, readSeqs, sum } from './expect.js'
import { deadLetterFact, eventFact, factOf } from './facts.js'
import { planByModel } from './model.js'
import type { World } from './world.js'

/** Facts, a policy, and what must be left under it. */
export interface Case {
  readonly facts: readonly AppendFact[]
  /** Given the bytes of the stored records, oldest first. */
  readonly policy: (bytes: readonly number[]) => RetentionPolicy
  readonly kept: readonly number[]
  readonly force?: boolean
  readonly verify?: (report: CompactionReport, bytes: readonly number[]) => void
}

/** Appends, compacts, and holds what is left and what is reported against the case. */
async function runCase(world: World, wanted: Case): Promise<void> {
  const backend = await world.begun()
  await backend.append(wanted.facts)
  const metas = (await readMetas(backend)).reverse()
  const bytes = metas.map((meta) => meta.bytes)
  const policy = wanted.policy(bytes)
  const plan = planByModel(metas, policy, world.subject.clock.now())
  assert.deepEqual(
    plan.kept,
    wanted.kept,
    'kinds, times or bytes are not read back as they should be',
  )
  const report = await backend.compact({ policy, force: wanted.force ?? false })
  assert.deepEqual(await readSeqs(backend), wanted.kept, `kept under ${JSON.stringify(policy)}`)
  const gone = metas.filter((meta) => !wanted.kept.includes(meta.seq))
  assert.equal(sum(report.dropped.map((entry) => entry.records)), gone.length, 'records reported')
  assert.equal(sum(report.dropped.map((entry) => entry.bytes)), bytesOf(gone), 'bytes reported')
  wanted.verify?.(report, bytes)
}

/** A check that runs each case on a store of its own. */
export function retentionCheck(
  name: string,
  promise: string,
  cases: (now: number) => readonly Case[],
): Check {
  const needs: readonly Need[] = ['compaction']
  return {
    id: `retention.${name}`,
    group: 'retention',
    promise,
    needs,
    async run(world) {
      for (const wanted of cases(world.subject.clock.now())) {
        await world.within((other) => runCase(other, wanted))
      }
    },
  }
}

/** One event for each time. */
export const eventsAt = (...times: number[]): AppendFact[] =>
  times.map((timestamp, index) => factOf('event', index + 1, timestamp))

/** Five dead letters, then `events` events. */
export const flood = (events: number, now: number): AppendFact[] => [
  ...Array.from({ length: 5 }, () => deadLetterFact({ timestamp: now })),
  ...Array.from({ length: events }, () => eventFact({ timestamp: now })),
]
