// Proves that the protocol's tests have teeth: each mutant is a build that breaks one rule, and for
// each of them some test has to fail. A few run always; `PAPYRA_MUTANTS=all`, or names with commas
// between them, runs the others too (`npm run torture -- --only mutants`).
import { afterAll, describe, expect, test } from 'vitest'
import { MUTANTS } from '../mutants/catalogue.js'
import { patchedFile } from '../mutants/mutant.js'
import { runMutant } from '../mutants/run-mutant.js'

const SMOKE: readonly string[] = [
  'short-write-unnoticed',
  'source-checksum-not-compared',
  'orphan-with-records-removed',
]

const wanted = process.env['PAPYRA_MUTANTS'] ?? SMOKE.join()
const chosen =
  wanted === 'all' ? MUTANTS : MUTANTS.filter(({ name }) => wanted.split(',').includes(name))
// However long the queue before it is.
const TIMEOUT = { timeout: 7_200_000 }
const caughtBy = new Map<string, string>()

/** Each is a process of its own, and more than two at a time would only wait for each other. */
const waiting: (() => void)[] = []
let free = 2

async function oneOfTwo<T>(work: () => Promise<T>): Promise<T> {
  if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve))
  else free--
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next === undefined) free++
    else next()
  }
}

describe('the catalogue of mutants', () => {
  test('names each only once, and each fits its source', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
    expect(MUTANTS.length).toBeGreaterThanOrEqual(80)
    const unfit = MUTANTS.flatMap((mutant) => {
      try {
        return patchedFile(mutant).includes(mutant.replace) ? [] : [mutant.name]
      } catch (error) {
        return [String(error)]
      }
    })
    expect(unfit).toEqual([])
  })
})

describe('each mutant is caught', () => {
  test.concurrent.for(chosen.map(({ name }) => name))('%s', TIMEOUT, async (name, context) => {
    const { loaded, failed, output } = await oneOfTwo(() => runMutant(name))
    context.expect(loaded, `the patched source was run:\n${output}`).toBe(true)
    context.expect(failed, 'tests that noticed it').not.toEqual([])
    caughtBy.set(name, failed[0] ?? '')
    if (wanted === 'all') console.log(`${caughtBy.size} of ${chosen.length}: ${name}`)
  })

  test.runIf(wanted === 'all')('and the build as it is passes', TIMEOUT, async () => {
    const { loaded, failed, passed } = await runMutant('')
    expect([loaded, failed]).toEqual([true, []])
    expect(passed).toBeGreaterThan(10)
  })

  afterAll(() => {
    const rows = chosen.map(
      ({ name }) => `  ${name.padEnd(50)} ${caughtBy.get(name) ?? 'NOT CAUGHT'}`,
    )
    console.log(`${caughtBy.size} of ${chosen.length} mutants caught:\n${rows.join('\n')}`)
  })
})
