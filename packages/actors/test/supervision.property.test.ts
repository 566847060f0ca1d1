import { ActorSystem, type DeadLetter } from '@papyra/actors'
import { memoryBackend } from '@papyra/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TreeModel, type Command, type Policy } from './fixtures/tree-model.js'
import { RealTree } from './fixtures/tree-real.js'

const policies: fc.Arbitrary<Policy> = fc.record({
  onFailure: fc.constantFrom('stop', 'restart', 'restart', 'resume', 'escalate'),
  maxRestarts: fc.integer({ min: 0, max: 3 }),
  onExhausted: fc.constantFrom('stop', 'escalate'),
})
const index = fc.integer({ min: 0, max: 11 })
const commands: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('spawn' as const),
      parent: fc.option(index, { freq: 5 }),
      policy: policies,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      to: index,
      fails: fc.array(
        fc.oneof(
          { weight: 3, arbitrary: fc.constant(false) },
          { weight: 1, arbitrary: fc.constant(true) },
        ),
        { minLength: 1, maxLength: 8 },
      ),
      later: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stop' as const), actor: index }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('watch' as const), watcher: index, target: index }),
  },
)

async function start(): Promise<{ system: ActorSystem; tree: RealTree }> {
  const late: { tree?: RealTree } = {}
  const system = await ActorSystem.start({
    systemId: 'tree',
    backend: memoryBackend(),
    hooks: {
      onDeadLetter: (letter: DeadLetter, message) => late.tree?.onDeadLetter(letter, message),
    },
  })
  const tree = new RealTree(system)
  late.tree = tree
  return { system, tree }
}

/** Waits until tree and model agree; if they never do, the comparison that follows says how. */
async function settle(tree: RealTree, done: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !(tree.isQuiet && done()); i += 1) {
    await new Promise((resolve) => setTimeout(resolve, i < 50 ? 0 : 1))
  }
  await new Promise((resolve) => setImmediate(resolve))
}

const count = (lists: Record<string, string[]>): number => Object.values(lists).flat().length

test('random trees with random failures do what the model does, and the facts agree', async () => {
  let sent = 0
  const seen = new Set<string>()
  const script = fc.array(commands, { minLength: 6, maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(policies, script, async (first, steps) => {
      const { system, tree } = await start()
      const model = new TreeModel()
      for (const step of [{ do: 'spawn', parent: null, policy: first } as const, ...steps]) {
        const at = (i: number): number => i % model.size
        if (step.do === 'spawn') {
          const parent = step.parent === null || model.size === 0 ? null : at(step.parent)
          if (parent !== null && !model.isAlive(parent)) continue
          model.spawn(parent, step.policy)
          await tree.spawn(parent === null ? null : tree.refs[parent]!, step.policy)
        } else if (step.do === 'send') {
          model.send(at(step.to), sent, step.fails)
          for (const fail of step.fails) {
            tree.refs[at(step.to)]?.tell({ type: 'n', n: sent, fail, later: step.later })
            sent += 1
          }
        } else if (step.do === 'stop') {
          model.stop(at(step.actor))
          await system.stop(tree.refs[at(step.actor)]!)
        } else {
          const [watcher, target] = [at(step.watcher), at(step.target)]
          if (!model.isAlive(watcher) || !model.isAlive(target)) continue
          model.watch(watcher, target)
          await tree.refs[watcher]!.ask({ type: 'watch', ref: tree.refs[target]! })
        }
        await settle(
          tree,
          () =>
            count(tree.handled) + count(tree.dead) === count(model.handled) + count(model.dead) &&
            count(tree.notices) === count(model.notices) &&
            tree.alive.length === model.alive.length,
        )
        const { alive, handled, dead, notices } = model
        expect(tree).toMatchObject({ alive, handled, dead })
        expect(await tree.observe()).toEqual({ alive, handled, dead, notices, facts: model.facts })
      }
      for (const fact of Object.values(model.facts).flat()) seen.add(fact.split(' a')[0]!)
      for (const notice of Object.values(model.notices).flat())
        seen.add(`notice ${notice.split(' ')[1]}`)
      const { facts } = await system.close()
      expect(facts.accepted).toBe(facts.written)
    }),
    { numRuns: 120 },
  )
  // The cases are worth something only if everything happened.
  for (const what of [
    'crashed stop',
    'crashed restart',
    'crashed resume',
    'crashed escalate',
    'crashed stop exhausted',
    'crashed escalate exhausted',
    'escalated null',
    'stopped parent_restarted',
    'stopped parent_stopped',
    'notice crashed',
    'notice parent_restarted',
  ]) {
    expect(seen).toContain(what)
  }
})
