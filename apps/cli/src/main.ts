import { writeSync } from 'node:fs'
import { PapyraError } from '@papyra/contracts'
import { createCli } from './cli.js'
import { EXIT } from './exit-codes.js'
import { processIo, type Signals } from './io.js'
import { masked, printable } from './output/text.js'

/** The program: arguments of the process in, exit code of the process out. */
export async function main(): Promise<void> {
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  const signals = listenToSignals()
  process.exitCode = await createCli(processIo(signals)).run(process.argv.slice(2))
  // Everything is written by now. What a stopped command was waiting for must not hold it up.
  if (signals.stoppedBy() !== null) process.exit()
}

/** The first signal asks the command to stop at a safe place; the second one does not wait. */
function listenToSignals(): Signals {
  const controller = new AbortController()
  let stoppedBy: 'SIGINT' | 'SIGTERM' | null = null
  const stop = (name: 'SIGINT' | 'SIGTERM'): void => {
    if (stoppedBy !== null) process.exit(name === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted)
    stoppedBy = name
    controller.abort(
      new PapyraError('aborted', 'Stopped on request. The store is as valid as before.'),
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return { signal: controller.signal, stoppedBy: () => stoppedBy }
}

/** A defect of ours ends with 70: Node's own 1 would read as "the gate refuses". */
function crash(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const safe = text.split('\n').map((line) => printable(masked(line)))
  try {
    writeSync(
      2,
      `papyra: internal: ${safe.join('\n')}\n  what to do: Please report this with the version.\n`,
    )
  } catch {
    // Nobody listens; the exit code still tells.
  }
  process.exit(EXIT.bug)
}
