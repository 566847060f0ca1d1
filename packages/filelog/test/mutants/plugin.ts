import { join, sep } from 'node:path'
import type { Plugin } from 'vitest/config'
import { MUTANTS } from './catalogue.js'
import { patched, patchedFile, SOURCES, type Mutant } from './mutant.js'

/** The mutant that `PAPYRA_MUTANT` names; `null` if it names none. Throws on an unknown name. */
export function wantedMutant(): Mutant | null {
  const name = process.env['PAPYRA_MUTANT'] ?? ''
  if (name === '') return null
  const found = MUTANTS.find((mutant) => mutant.name === name)
  if (found === undefined) throw new Error(`there is no mutant ${name}`)
  return found
}

/** Hands the tests the patched text of one source file instead of what stands on the disk. */
export function mutantPlugin(mutant: Mutant): Plugin {
  const target = join(SOURCES, ...mutant.file.split('/'))
  // Fails at once, before a test runs, if the patch does not fit.
  patchedFile(mutant)
  return {
    name: `papyra-mutant-${mutant.name}`,
    enforce: 'pre',
    transform(code, id) {
      const path = (id.split('?')[0] ?? id).replaceAll('/', sep)
      return path === target ? { code: patched(mutant, code), map: null } : undefined
    },
  }
}
