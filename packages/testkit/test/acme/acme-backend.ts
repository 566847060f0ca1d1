import type { BackendDefinition } from '@papyra/contracts'
import type { DamageKit } from '../../src/index.js'
import { arrayDamage, defineArray } from '../array-backend/subject.js'
import type { Place } from '../array-backend/store.js'

const places = new Map<string, Place>()

function placeAt(path: string): Place {
  const place = places.get(path) ?? { store: null, owner: null }
  places.set(path, place)
  return place
}

/** The backend of a third party, as the README's conformance file uses it. */
export function acmeBackend({ path }: { readonly path: string }): BackendDefinition {
  return defineArray(placeAt(path))
}

/** Ways to damage a closed store of that backend. */
export function acmeDamage({ path }: { readonly path: string }): DamageKit {
  return arrayDamage(placeAt(path))
}
