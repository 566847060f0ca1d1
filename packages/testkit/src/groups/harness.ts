import assert from 'node:assert/strict'
import { ACK_LEVELS, SERVER_ACK_LEVELS } from '@papyra/contracts'
import type { Check } from '../check.js'

const group = 'harness'

/** That the subject brings what its capabilities call for, so that nothing is skipped by omission. */
export const harnessChecks: readonly Check[] = [
  {
    id: 'harness.subject-complete',
    group,
    promise: 'a subject brings the parts that its declared capabilities call for',
    run({ subject }) {
      const { capabilities } = subject.definition
      const owed: string[] = []
      if (capabilities.exclusiveOwner && subject.another === undefined) owed.push('another()')
      const kinds = subject.damage?.kinds.length ?? 0
      if (capabilities.checksums && capabilities.recovery && kinds === 0) owed.push('damage')
      assert.deepEqual(owed, [], 'the subject lacks what its capabilities call for')
      return Promise.resolve()
    },
  },
  {
    id: 'harness.capabilities-agree',
    group,
    promise: 'an open store has the name and the capabilities of its definition',
    async run(world) {
      const { definition } = world.subject
      const backend = await world.openWriter()
      assert.equal(backend.name, definition.name)
      assert.deepEqual({ ...backend.capabilities }, { ...definition.capabilities })
    },
  },
  {
    id: 'harness.ack-levels-known',
    group,
    promise: 'the acknowledgement levels are known ones, strongest last',
    run({ subject }) {
      const { ackLevels } = subject.definition.capabilities
      assert.ok(ackLevels.length > 0, 'at least one acknowledgement level')
      const known: readonly string[] = [...ACK_LEVELS, ...SERVER_ACK_LEVELS]
      const places = ackLevels.map((level) => known.indexOf(level.replace(/\([1-9]\d*\)$/, '')))
      assert.ok(!places.includes(-1), `unknown level in ${ackLevels.join(', ')}`)
      assert.deepEqual(
        places,
        [...new Set(places)].sort((a, b) => a - b),
        'strongest last',
      )
      return Promise.resolve()
    },
  },
]
