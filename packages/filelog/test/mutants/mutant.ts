import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A build that breaks one rule of the protocol, as a patch of one source file. */
export interface Mutant {
  /** What is broken, in kebab case. */
  readonly name: string
  /** Below `src`, with slashes. */
  readonly file: string
  /** Stands in the file exactly once. */
  readonly find: string
  readonly replace: string
  /** The tests that have to notice it. */
  readonly protocol: 'log' | 'segments'
}

/** Where the sources of this package are. */
export const SOURCES: string = join(import.meta.dirname, '..', '..', 'src')

/** Says that a patched module was loaded: a test run must not pass for one that never was. */
export const LOADED = 'papyraMutantLoaded'

/** The source with the patch applied. Throws if the text to replace does not stand there just once. */
export function patched(mutant: Mutant, source: string): string {
  const { name, file, find, replace } = mutant
  const parts = source.split(find)
  if (parts.length !== 2) {
    throw new Error(
      `the mutant ${name} does not fit: its text stands ${parts.length - 1} times in ${file}`,
    )
  }
  const marker = `\n;(globalThis as Record<string, unknown>)[${JSON.stringify(LOADED)}] = ${JSON.stringify(name)}\n`
  return parts.join(replace) + marker
}

/** The file of a mutant, patched; the one on the disk is never changed. */
export function patchedFile(mutant: Mutant): string {
  return patched(mutant, readFileSync(join(SOURCES, mutant.file), 'utf8'))
}
