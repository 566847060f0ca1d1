import { spawn } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const TESTS = join('packages', 'filelog', 'test', 'rewrite')

/** Runs the tests of filelog whose name has `part` in it, as long as the settings make them. */
export function longTests(part: string, env: Readonly<Record<string, string>>): Promise<boolean> {
  console.log(`${part}: ${JSON.stringify(env)}`)
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
  const args = [
    vitest,
    'run',
    '--testTimeout=7200000',
    join(TESTS, part.startsWith('-') ? '' : part),
  ]
  if (part.startsWith('-')) args.push('--exclude', '**/every-bit.test.ts')
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
