import { isPapyraError } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import {
  CHECK_GROUPS,
  CONFORMANCE_CHECKS,
  runCheck,
  whySkipped,
  type Check,
  type Subject,
  type World,
} from '../src/index.js'
import { arraySubject } from './array-backend/subject.js'

const check = (run: (world: World) => Promise<void>, more: Partial<Check> = {}): Check => ({
  id: 'append.example',
  group: 'append',
  promise: 'an example',
  run,
  ...more,
})

/** A maker of subjects that counts how many were made and disposed of. */
function counting(): {
  create: () => Promise<Subject>
  made: () => number
  disposed: () => number
} {
  let made = 0
  let disposed = 0
  return {
    made: () => made,
    disposed: () => disposed,
    create: async () => {
      made += 1
      const subject = await arraySubject()
      return {
        ...subject,
        dispose: () => {
          disposed += 1
          return subject.dispose()
        },
      }
    },
  }
}

describe('runCheck', () => {
  test('closes what was opened and disposes of every subject, after a failure too', async () => {
    const subjects = counting()
    const closed: boolean[] = []
    const watched = async (world: World): Promise<void> => {
      const backend = await world.begun()
      const close = backend.close.bind(backend)
      backend.close = async () => {
        closed.push(true)
        await close()
      }
    }
    const failing = check(async (world) => {
      await watched(world)
      await world.within(async (other) => {
        await watched(other)
        throw new Error('the check failed')
      })
    })
    await expect(runCheck(failing, subjects.create)).rejects.toThrow('the check failed')
    expect(closed).toEqual([true, true])
    expect(subjects.made()).toBe(2)
    expect(subjects.disposed()).toBe(2)
  })

  test('skips with a reason, and does not run the check', async () => {
    const subjects = counting()
    let ran = false
    const run = async (): Promise<void> => {
      ran = true
    }
    const lacking = check(run, { lacks: ['compaction'] })
    expect(await runCheck(lacking, subjects.create)).toEqual({
      status: 'skipped',
      reason: 'only without compaction',
    })
    expect(ran).toBe(false)
    expect(subjects.disposed()).toBe(1)
    expect(await runCheck(check(run), subjects.create)).toEqual({ status: 'passed' })
    expect(ran).toBe(true)
  })

  test('hands seed and runs to the check and tells the seed of the model-based one', async () => {
    const model = CONFORMANCE_CHECKS.find(({ group }) => group === 'model')
    if (model === undefined) throw new Error('there is no model-based check')
    const told: string[] = []
    const log = (message: string): void => void told.push(message)
    await runCheck(model, () => arraySubject(), { seed: 7, numRuns: 3, log })
    expect(told).toEqual(['model: seed 7, 3 runs'])
  })
})

test('a subject that lacks what its capabilities call for fails instead of skipping', async () => {
  const complete = CONFORMANCE_CHECKS.find(({ id }) => id === 'harness.subject-complete')
  if (complete === undefined) throw new Error('there is no such check')
  const bare = async (): Promise<Subject> => {
    const { definition, clock, dispose } = await arraySubject()
    return { definition, clock, dispose }
  }
  await expect(runCheck(complete, bare)).rejects.toThrow('lacks what its capabilities call for')
  expect(await runCheck(complete, () => arraySubject())).toEqual({ status: 'passed' })
})

test('every group has checks, and every capability that is a flag decides over some', async () => {
  for (const group of CHECK_GROUPS) {
    expect(CONFORMANCE_CHECKS.filter((one) => one.group === group).length).toBeGreaterThan(0)
  }
  const subject = await arraySubject({ capabilities: { persistent: false, recovery: false } })
  const skipped = CONFORMANCE_CHECKS.filter((one) => whySkipped(one, subject) !== null)
  expect(skipped.map(({ id }) => id)).toContain('append.survives-reopen')
  expect(skipped.map(({ id }) => id)).toContain('recovery.mends')
  expect(skipped.map(({ id }) => id)).not.toContain('unsupported.recover')
})

test('the array backend rejects with coded errors', async () => {
  const { definition } = await arraySubject()
  const error: unknown = await definition.open({ access: 'write' }).catch((thrown) => thrown)
  expect(isPapyraError(error, 'store_not_found')).toBe(true)
})
