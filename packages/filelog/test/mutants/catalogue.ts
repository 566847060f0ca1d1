import { LOG_MUTANTS } from './log-mutants.js'
import type { Mutant } from './mutant.js'
import { SEGMENT_MUTANTS } from './segment-mutants.js'

/** Every mutant; their names are unique. */
export const MUTANTS: readonly Mutant[] = [...LOG_MUTANTS, ...SEGMENT_MUTANTS]
