import type { Backend } from '@papyra/contracts'
import type { Handle } from '../array-backend/array-backend.js'
import type { Recipe } from '../array-backend/subject.js'

/** A backend with one bug, and the checks that must fail because of it. */
export interface Variant {
  readonly bug: string
  readonly recipe: Recipe
  /** These fail, and no other (the model-based check aside). */
  readonly caughtBy: readonly string[]
  /** The message of an error without a code that the bug lets out. */
  readonly throws?: string
  /** The bug breaks much: these fail, and others may. */
  readonly widespread?: true
}

/** A recipe for a broken backend class. */
export function made(type: new (handle: Handle) => Backend, more: Recipe = {}): Recipe {
  return { ...more, make: (handle) => new type(handle) }
}
