import { expect, test } from 'vitest'
// The whole package, so that whichever file is patched is loaded in each file of tests: the first
// failure ends a run, and no later file could tell.
import '../../src/index.js'
import { LOADED } from './mutant.js'

/** The name of the test that must pass whatever the mutant breaks. */
export const LOADED_TEST = 'the build under test is the one that was asked for'

/** Declares that test: a run in which the patched file was never loaded proves nothing. */
export function declareLoaded(): void {
  test(LOADED_TEST, () => {
    const wanted = process.env['PAPYRA_MUTANT'] ?? ''
    const loaded = (globalThis as Record<string, unknown>)[LOADED] ?? ''
    expect(loaded).toBe(wanted)
  })
}
