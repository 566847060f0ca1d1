import type { Manifest } from './manifest.js'
import { parseSegmentName } from './names.js'

/** Nobody gets there by compacting and recovering: such a name is not one of ours. */
const FAR_GENERATION = 50_000_000

/**
 * Above the manifest's and that of every file in the folder, whatever it is: what is about to be made
 * is never the name of something that is there. Names have eight digits; where somebody has used them
 * up, the lowest that no file has.
 */
export function nextGeneration(store: Manifest, names: readonly string[]): number {
  const taken = new Set([...store.segments, store.active].map(({ generation }) => generation))
  for (const name of names) {
    const id = parseSegmentName(name.replace(/\.mark$/, ''))
    if (id !== null) taken.add(id.generation)
  }
  const above = Math.max(store.generation, ...taken) + 1
  if (above < FAR_GENERATION) return above
  let generation = store.generation + 1
  while (taken.has(generation)) generation++
  return generation
}
