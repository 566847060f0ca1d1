import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { PapyraError } from '@papyra/contracts'
import { runChild } from './child.js'
import { diskFullAndTell } from './disk-full/run.js'
import { killAndTell } from './kill-loop.js'
import { KINDS, type StoreKind } from './kinds.js'
import { crashes, everyBit, mutants } from './long-tests.js'
import { soakAndTell } from './soak/run.js'

const PARTS = ['bits', 'crashes', 'mutants', 'disk', 'soak', 'kills'] as const

const HELP = `Long crash, corruption and kill runs.

  npm run torture -- [--only ${PARTS.join('|')}] [--kind json|rotation]
                     [--seeds N] [--kills N] [--stride N] [--seconds N]

  bits     every bit and every truncation of a reference log, its sidecar and mark
  crashes  power cuts and kills in the memory file system, many mixtures for each of N seeds (default 3)
  mutants  each mutant of the protocol has to fail the protocol's tests, and the build as it is to pass
  disk     full disks, at every offset of a window: append, rotate, compact, recover; failing syncs
  soak     four writers want one store; one gets it, while it is compacted and followed, for N seconds
           (default 60)
  kills    N times (default 500) a real writer is killed at a random moment
`

interface Settings {
  readonly only: string | undefined
  readonly kinds: readonly StoreKind[]
  readonly seeds: number
  readonly kills: number
  readonly stride: number
  readonly seconds: number
}

function settingsOf(args: string[]): Settings | null {
  const text = { type: 'string' } as const
  const options = { only: text, kind: text, seeds: text, kills: text, stride: text, seconds: text }
  const { values } = parseArgs({ args, options: { ...options, help: { type: 'boolean' } } })
  if (values.help === true) return null
  const count = (name: 'seeds' | 'kills' | 'stride' | 'seconds', fallback: number): number => {
    const value = Number(values[name] ?? fallback)
    if (Number.isSafeInteger(value) && value > 0) return value
    throw new PapyraError('invalid_argument', `--${name} must be a positive whole number.`)
  }
  const { only, kind } = values
  if (only !== undefined && !PARTS.some((part) => part === only)) {
    throw new PapyraError('invalid_argument', `--only must be one of ${PARTS.join(', ')}.`)
  }
  return {
    only,
    kinds: KINDS.filter((known) => kind === undefined || known === kind),
    seeds: count('seeds', 3),
    kills: count('kills', 500),
    stride: count('stride', 1),
    seconds: count('seconds', 60),
  }
}

/** The `papyra` command of this workspace. */
const PAPYRA = join(
  dirname(fileURLToPath(import.meta.resolve('@papyra/cli/package.json'))),
  'bin',
  'papyra.js',
)

async function torture(settings: Settings): Promise<boolean> {
  const { only, kinds, seeds, kills, stride, seconds } = settings
  const program = process.argv[1] ?? ''
  let sound = true
  const run = async (part: (typeof PARTS)[number], work: () => Promise<boolean>): Promise<void> => {
    if (only === undefined || only === part) sound = (await work()) && sound
  }
  await run('bits', () => everyBit(stride))
  await run('crashes', () => crashes(seeds))
  await run('mutants', mutants)
  await run('disk', () =>
    diskFullAndTell({ kinds, memory: { most: 4000, step: 1 }, real: { most: 131_072, step: 1 } }),
  )
  for (const kind of kinds) {
    await run('soak', () => soakAndTell({ kind, program, seconds, keep: 20_000, papyra: PAPYRA }))
    await run('kills', () => killAndTell({ kind, rounds: kills, program }))
  }
  return sound
}

const [first, role = '', ...rest] = process.argv.slice(2)
if (first === 'child') await runChild(role, rest)
else {
  const settings = settingsOf(process.argv.slice(2))
  if (settings === null) console.log(HELP)
  else process.exitCode = (await torture(settings)) ? 0 : 1
}
