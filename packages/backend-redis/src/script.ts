import { createHash } from 'node:crypto'

/** A Lua text that the server runs in one step. */
export interface Script {
  readonly text: string
  /** What EVALSHA calls it by. */
  readonly sha: string
}

export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
