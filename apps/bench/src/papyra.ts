import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The `papyra` command of this workspace. */
export const PAPYRA: string = join(
  dirname(fileURLToPath(import.meta.resolve('@papyra/cli/package.json'))),
  'bin',
  'papyra.js',
)
