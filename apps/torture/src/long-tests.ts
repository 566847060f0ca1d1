import { spawn } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const TESTS = join('packages', 'filelog', 'test')

/** Runs those tests of filelog, as long as the settings make them. */
function longTests(
  filters: readonly string[],
  env: Readonly<Record<string, string>>,
  more: readonly string[] = [],
): Promise<boolean> {
  console.log(`${filters.join(' ')}: ${JSON.stringify(env)}`)
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
  const paths = filters.map((filter) => join(TESTS, filter))
  const args = [vitest, 'run', '--testTimeout=7200000', ...paths, ...more]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, ...env },
    })
    child.on('error', reject)
    child.on('close', (code) => resolve(code === 0))
  })
}

export function everyBit(stride: number): Promise<boolean> {
  return longTests([join('rewrite', 'every-bit')], { PAPYRA_STRIDE: String(stride) })
}

/** Every test of crashes, with many more mixtures of what a power cut leaves, once for each seed. */
export async function crashes(seeds: number): Promise<boolean> {
  let sound = true
  for (let seed = 1; seed <= seeds; seed++) {
    const env = { PAPYRA_LONG: '1', PAPYRA_SEED: String(seed) }
    const filters = [
      'rewrite/',
      join('segments', 'crash-matrix'),
      join('segments', 'recover-crash'),
    ]
    sound = (await longTests(filters, env, ['--exclude', '**/every-bit.test.ts'])) && sound
  }
  return sound
}

/** Every mutant of the protocol, two at a time. */
export function mutants(): Promise<boolean> {
  const filters = [join('segments', 'mutants')]
  return longTests(filters, { PAPYRA_MUTANTS: 'all' }, ['--maxConcurrency=2'])
}
