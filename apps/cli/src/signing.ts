import { readFileSync, statSync } from 'node:fs'
import { PapyraError } from '@papyra/contracts'
import { absolutePath } from './config/paths.js'
import type { Context } from './context.js'

/**
 * The private key that reports are signed with: the file of `--key`, else `PAPYRA_SIGNING_KEY`, which is
 * a file or the key itself in PEM form; `null` if there is none. Refuses a file that others may read.
 */
export function signingKey({ args, io }: Context): string | null {
  const flag = args.text('key')
  const variable = io.env['PAPYRA_SIGNING_KEY']
  if (flag === undefined && variable?.includes('-----BEGIN') === true) return variable
  const named = flag ?? variable
  if (named === undefined || named === '') return null
  const path = absolutePath(io.cwd, named)
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new PapyraError('invalid_config', `Others may read the private key ${path}.`, {
      hint: `Make it readable by its owner alone: chmod 600 ${path}`,
    })
  }
  return readFileSync(path, 'utf8')
}
