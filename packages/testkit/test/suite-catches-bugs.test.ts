import { AssertionError } from 'node:assert'
import { isPapyraError } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import { CONFORMANCE_CHECKS, runCheck, type Check } from '../src/index.js'
import { arraySubject } from './array-backend/subject.js'
import { appendVariants } from './variants/append-variants.js'
import { compactionVariants } from './variants/compaction-variants.js'
import { lifecycleVariants } from './variants/lifecycle-variants.js'
import { metricsVariants } from './variants/metrics-variants.js'
import { planVariants } from './variants/plan-variants.js'
import { readVariants } from './variants/read-variants.js'
import { recoveryVariants } from './variants/recovery-variants.js'
import type { Variant } from './variants/variant.js'
import { verifiedVariants } from './variants/verified-variants.js'

const variants: readonly Variant[] = [
  ...lifecycleVariants,
  ...appendVariants,
  ...readVariants,
  ...compactionVariants,
  ...recoveryVariants,
  ...metricsVariants,
  ...planVariants,
  ...verifiedVariants,
]

const named = CONFORMANCE_CHECKS.filter((check) => check.group !== 'model')
const ids = new Set(CONFORMANCE_CHECKS.map((check) => check.id))

/** What a check may fail with: what it asserts, a coded error, or what the broken backend throws. */
function isVerdict(error: unknown, { throws }: Variant): boolean {
  if (error instanceof AssertionError || isPapyraError(error)) return true
  return throws !== undefined && error instanceof Error && error.message === throws
}

/** True if the check fails on a backend of this recipe; throws if it fails for a reason of its own. */
async function fails(check: Check, variant: Variant): Promise<boolean> {
  try {
    await runCheck(check, () => arraySubject(variant.recipe))
    return false
  } catch (error) {
    if (isVerdict(error, variant)) return true
    throw new Error(`${check.id} is itself at fault`, { cause: error })
  }
}

test('there are at least 25 broken backends, and no two are about the same bug', () => {
  expect(variants.length).toBeGreaterThanOrEqual(25)
  expect(new Set(variants.map(({ bug }) => bug)).size).toBe(variants.length)
})

test('check ids are unique, begin with their group, and every expected id exists', () => {
  expect(ids.size).toBe(CONFORMANCE_CHECKS.length)
  for (const check of CONFORMANCE_CHECKS) expect(check.id.startsWith(`${check.group}.`)).toBe(true)
  const unknown = variants.flatMap(({ caughtBy }) => caughtBy.filter((id) => !ids.has(id)))
  expect(unknown).toEqual([])
})

describe('a broken backend is caught by the checks that name the broken promise', () => {
  test.each(variants)('$bug', async (variant) => {
    const failed: string[] = []
    for (const check of named) if (await fails(check, variant)) failed.push(check.id)
    const expected = [...variant.caughtBy].sort()
    if (variant.widespread === true) expect(failed).toEqual(expect.arrayContaining(expected))
    else expect(failed.sort()).toEqual(expected)
  })
})

/** Bugs that random operations must find too; the seed makes the run the same every time. */
const FOUND_AT_RANDOM: readonly string[] = [
  'numbers start with 0',
  'the last record is lost on close',
  'members are parsed and printed again',
  'times lose their milliseconds',
  'limit is counted before the filters',
  'kinds is ignored',
  'afterSeq is inclusive',
  'newest gives the oldest first',
  'readMeta gives the oldest first',
  'limits of a kind are ignored',
  'a dry run deletes',
  'compaction parses and prints again',
  'numbers are used again after compaction',
  'gaps of compaction look like damage',
  'every compaction is forced',
  'a reset wipes the totals',
  'create if-missing wipes what is there',
]

describe('the model-based check finds bugs that nobody told it of', () => {
  const model = CONFORMANCE_CHECKS.filter((check) => check.group === 'model')
  const chosen = variants.filter(({ bug }) => FOUND_AT_RANDOM.includes(bug))

  test('all of them are there', () => {
    expect(chosen.map(({ bug }) => bug).sort()).toEqual([...FOUND_AT_RANDOM].sort())
  })

  test.each(chosen)('$bug', async (variant) => {
    const settings = { seed: 20_240_101, numRuns: 100 }
    const runs = model.map((check) => runCheck(check, () => arraySubject(variant.recipe), settings))
    await expect(Promise.all(runs)).rejects.toThrow(/Property failed after \d+ tests/)
  })
})
