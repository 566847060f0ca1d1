import { killWriter } from './kill-child.js'
import { soakCompactor } from './soak/compactor.js'
import { soakFollower } from './soak/follower.js'
import { soakWriter } from './soak/writer.js'

const ROLES: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  'kill-writer': killWriter,
  'soak-writer': soakWriter,
  'soak-follower': soakFollower,
  'soak-compactor': soakCompactor,
}

/** This program as one of the processes that it starts. */
export async function runChild(role: string, args: string[]): Promise<void> {
  const run = ROLES[role]
  if (run === undefined) throw new Error(`there is no role ${role}`)
  await run(args)
}
