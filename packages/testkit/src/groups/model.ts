import fc from 'fast-check'
import type { Check } from '../check.js'
import { commandsArbitrary, type Command } from '../model-commands.js'
import { ArrayModel } from '../model.js'
import type { World } from '../world.js'

/** How long to look for a shorter sequence that fails too. Bounds the work, decides nothing. */
const SHRINKING_MS = 20_000

/** A property that holds if random operations do to the store what they do to an array. */
function propertyOf(world: World): fc.IAsyncProperty<[Iterable<Command>]> {
  const { definition, clock } = world.subject
  // Every subject starts at the same wall time, so that a seed gives the same run again.
  const start = clock.now()
  return fc.asyncProperty(
    commandsArbitrary(definition.capabilities, () => start),
    (commands) =>
      world.within(async (other) => {
        const real = { world: other, backend: await other.begun() }
        await fc.asyncModelRun(() => ({ model: new ArrayModel(), real }), commands)
        await real.backend.close()
      }),
  )
}

/** Random sequences of operations, run on the store and on an array. */
export const modelChecks: readonly Check[] = [
  {
    id: 'model.random-operations',
    group: 'model',
    promise: 'under any sequence of operations the store is what an array model says',
    async run(world) {
      const { seed, numRuns } = world
      world.log(`model: seed ${String(seed)}, ${String(numRuns)} runs`)
      const property = propertyOf(world)
      const found = await fc.check(property, { seed, numRuns, endOnFailure: true })
      if (!found.failed) return
      // Shrinking takes many runs. It must not run into the time limit of the test, which would
      // hide what was found.
      const shorter = await fc.check(property, {
        seed,
        path: found.counterexamplePath ?? '',
        interruptAfterTimeLimit: SHRINKING_MS,
      })
      const { failed, errorInstance } = shorter
      const told = failed && errorInstance !== null ? shorter : found
      const message = await fc.asyncDefaultReportMessage(told)
      throw new Error(message, { cause: told.errorInstance })
    },
  },
]
