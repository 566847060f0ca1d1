// `node scripts/pnpm.mjs <arguments>`: the pinned pnpm, without a global installation.
import { pnpmCommand, run } from './lib/run.mjs'

const [command, args] = pnpmCommand(process.argv.slice(2))
process.exitCode = await run(command, args)
