import { readFile } from 'node:fs/promises'
import { isPapyraError, PapyraError } from '@papyra/contracts'
import { helpLines, wantsHelp } from './args/help.js'
import { parseCommand } from './args/parse.js'
import { reportError } from './errors.js'
import { EXIT } from './exit-codes.js'
import type { Io } from './io.js'
import { Output } from './output/output.js'

export interface Cli {
  /** Runs one command line (without node and script). Resolves to the exit code; never rejects. */
  run(argv: readonly string[]): Promise<number>
}

/** The command, on the world that `io` describes. Holds nothing between two runs. */
export function createCli(io: Io): Cli {
  return {
    async run(argv) {
      try {
        return await dispatch(io, argv)
      } catch (error) {
        return reportError(io, outputFor(io, argv), error)
      }
    },
  }
}

async function dispatch(io: Io, argv: readonly string[]): Promise<number> {
  const out = outputFor(io, argv)
  if (argv[0] === '--version') return printVersion(out)
  if (wantsHelp(argv)) {
    for (const line of helpLines(argv, io.stdout.columns)) await out.data(line)
    return EXIT.ok
  }
  if (argv.length === 0) {
    for (const line of helpLines([], io.stderr.columns)) await out.problem(line)
    return EXIT.usage
  }
  const { spec, args } = await parseCommand(argv)
  const body = await spec.load()
  try {
    return await body.run({ spec, io, out, args })
  } catch (error) {
    if (io.stoppedBy() === null || isPapyraError(error, 'aborted')) throw error
    throw new PapyraError('aborted', 'Stopped on request. The store is as valid as before.', {
      cause: error,
    })
  }
}

async function printVersion(out: Output): Promise<number> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  const version: unknown = (JSON.parse(text) as { version?: unknown }).version
  if (!out.json) await out.data(String(version))
  const { node } = process.versions
  await out.document('papyra.version/1', EXIT.ok, { version, node, platform: process.platform })
  return EXIT.ok
}

/** What was asked for in JSON, quietly or in colour holds for errors of the command line, too. */
function outputFor(io: Io, argv: readonly string[]): Output {
  const end = argv.indexOf('--')
  const words = end < 0 ? argv : argv.slice(0, end)
  const last = words.findLast((word) => word === '--color' || word === '--no-color')
  return new Output(io, {
    json: words.includes('--json'),
    quiet: words.includes('--quiet') || words.includes('-q'),
    color: last === undefined ? undefined : last === '--color',
  })
}
