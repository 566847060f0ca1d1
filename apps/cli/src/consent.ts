import { PapyraError } from '@papyra/contracts'
import type { Context } from './context.js'

/**
 * Asks on a terminal before something is changed for good. With `--yes`, and without a terminal,
 * the explicit command is the consent. True if somebody was asked and said yes. Throws `aborted` if
 * the answer is not yes.
 */
export async function askConsent({ args, io, out }: Context, question: string): Promise<boolean> {
  if (args.flag('yes') || io.ask === null) return false
  const answer = await io.ask(`${out.safe(question)} [y/N] `)
  if (/^y(es)?$/i.test(answer.trim())) return true
  throw new PapyraError('aborted', 'Not confirmed; nothing was changed.')
}
