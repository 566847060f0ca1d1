import { parseArgs } from 'node:util'
import { PapyraError } from '@papyra/contracts'
import { runChild } from './kill-child.js'
import { killLoop } from './kill-loop.js'
import { longTests } from './long-tests.js'

const HELP = `Long crash, corruption and kill runs.

  npm run torture -- [--only bits|crashes|kills] [--seeds N] [--kills N] [--stride N]

  bits     every bit and every truncation of a reference log, its sidecar and mark
  crashes  power cuts and kills in the memory file system, many mixtures for each of N seeds (default 3)
  kills    N times (default 500) a real writer is killed at a random moment
`

interface Settings {
  readonly only: string | undefined
  readonly seeds: number
  readonly kills: number
  readonly stride: number
}

function settingsOf(args: string[]): Settings | null {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args,
    options: { only: text, seeds: text, kills: text, stride: text, help: { type: 'boolean' } },
  })
  if (values.help === true) return null
  const count = (name: 'seeds' | 'kills' | 'stride', fallback: number): number => {
    const value = Number(values[name] ?? fallback)
    if (Number.isSafeInteger(value) && value > 0) return value
    throw new PapyraError('invalid_argument', `--${name} must be a positive whole number.`)
  }
  return {
    only: values.only,
    seeds: count('seeds', 3),
    kills: count('kills', 500),
    stride: count('stride', 1),
  }
}

async function torture(settings: Settings): Promise<boolean> {
  const { only, seeds, kills, stride } = settings
  let sound = true
  if (only === undefined || only === 'bits') {
    sound = (await longTests('every-bit', { PAPYRA_STRIDE: String(stride) })) && sound
  }
  if (only === undefined || only === 'crashes') {
    for (let seed = 1; seed <= seeds; seed++) {
      sound = (await longTests('-crash', { PAPYRA_LONG: '1', PAPYRA_SEED: String(seed) })) && sound
    }
  }
  if (only === undefined || only === 'kills') sound = (await killLoop(kills)) && sound
  return sound
}

const [first, ...rest] = process.argv.slice(2)
if (first === 'child') await runChild(rest)
else {
  const settings = settingsOf(process.argv.slice(2))
  if (settings === null) console.log(HELP)
  else process.exitCode = (await torture(settings)) ? 0 : 1
}
