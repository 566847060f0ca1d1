import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LOADED_TEST } from './mutant-loaded.js'

interface Assertion {
  readonly title: string
  readonly fullName: string
  readonly status: string
  readonly failureMessages: readonly string[]
}

interface Report {
  readonly testResults: readonly { readonly assertionResults: readonly Assertion[] }[]
}

export interface Verdict {
  /** True if the patched source was what the tests ran. */
  readonly loaded: boolean
  /** Full names of the tests that failed, but for those that only took too long. */
  readonly failed: readonly string[]
  readonly passed: number
  /** What the run printed, for when it came to nothing. */
  readonly output: string
}

const PACKAGE = join(import.meta.dirname, '..', '..')
const VITEST = join(PACKAGE, '..', '..', 'node_modules', 'vitest', 'vitest.mjs')

function vitest(mutant: string, report: string): Promise<string> {
  const config = join(PACKAGE, 'test', 'fixtures', 'mutants-config.ts')
  const args = [VITEST, 'run', '--config', config, '--reporter=json', `--outputFile=${report}`]
  // The first failure is enough.
  if (mutant !== '') args.push('--bail=1')
  // Whoever runs this is a run of vitest too, and the child must not take itself for a part of it.
  const own = Object.entries(process.env).filter(([key]) => !key.startsWith('VITEST'))
  const env = { ...Object.fromEntries(own), PAPYRA_MUTANT: mutant }
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: PACKAGE, env })
    let output = ''
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
    child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()))
    child.on('error', reject)
    child.on('close', () => resolve(output))
  })
}

/** Runs the protocol's tests against the mutant with this name; against no mutant for `''`. */
export async function runMutant(mutant: string): Promise<Verdict> {
  const dir = await mkdtemp(join(tmpdir(), 'papyra-mutant-'))
  try {
    const file = join(dir, 'report.json')
    const output = await vitest(mutant, file)
    const text = await readFile(file, 'utf8').catch(() => '{"testResults":[]}')
    const tests = (JSON.parse(text) as Report).testResults.flatMap((r) => r.assertionResults)
    const failed = tests.filter(
      ({ status, failureMessages }) =>
        status === 'failed' && !failureMessages.some((text) => text.includes('Test timed out in')),
    )
    const passed = tests.filter(({ status }) => status === 'passed')
    return {
      loaded: passed.some(({ title }) => title === LOADED_TEST),
      failed: failed.map(({ fullName }) => fullName),
      passed: passed.length,
      output,
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
