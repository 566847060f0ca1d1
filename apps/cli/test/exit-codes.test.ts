import {
  ERROR_CODES,
  type BackendDefinition,
  type PapyraErrorCode,
  PapyraError,
} from '@papyra/contracts'
import { memoryBackend } from '@papyra/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { COMMANDS } from '../src/args/commands.js'
import { COMMON } from '../src/args/options.js'
import type { CommandSpec } from '../src/args/spec.js'
import { EXIT_CODES } from '../src/exit-codes.js'
import { rawCodePoints, withoutColors } from './fixtures/raw.js'
import { seed, ticks, World } from './fixtures/world.js'

const TABLE = new Set(EXIT_CODES.map(({ code }) => code))
const values = [
  '',
  '0',
  '-1',
  '7',
  '1e9',
  '10MiB',
  '30d',
  '60s',
  '2h',
  'now',
  '2026-01-01',
  'nope',
  'repair',
  'quarantine',
  'recover',
  'scan-only',
  'IGNORE',
  'json',
  'ts',
  'a=b',
  'payload.n=1',
  '__proto__',
  '--',
  '\u001b[2J',
  '\u202e',
  '.',
  '/',
  '/dev/null',
  '/nowhere/x.ndjson',
  'papyra.config.js',
  'bash',
  'torn_tail',
  '75',
  '\ud800',
  'ü',
  '-h',
]

/** `--follow` has no end of its own, and help is tested elsewhere. */
const usable = ([name]: [string, unknown]): boolean => name !== 'follow' && name !== 'help'

function argumentsOf(spec: CommandSpec): fc.Arbitrary<string[]> {
  const options = Object.entries({ ...spec.options, ...COMMON }).filter(usable)
  const option = fc
    .constantFrom(...options)
    .chain(([name, { kind }]) =>
      kind === 'flag'
        ? fc.constantFrom([`--${name}`], [`--no-${name}`], [`--${name}=yes`])
        : fc
            .constantFrom(...values)
            .chain((value) =>
              fc.constantFrom([`--${name}`, value], [`--${name}=${value}`], [`--${name}`]),
            ),
    )
  const stray = fc.constantFrom([], [], [], ['stray'], ['--unknown'], ['--', 'x'])
  const positional =
    spec.positional === undefined
      ? fc.constant([])
      : fc.constantFrom(...values).map((value) => [value])
  return fc
    .tuple(positional, fc.array(option, { maxLength: 5 }), stray)
    .map(([first, some, last]) =>
      [...spec.words, ...first, ...some.flat(), ...last].filter((word) => word !== '-h'),
    )
}

test('whatever the arguments: a code of the table, no raw control characters, JSON where asked', async () => {
  const world = new World()
  const backend = memoryBackend()
  await seed(backend, (papyra) => ticks(papyra, 5))
  world.configure(backend)
  const seen = new Map<number, number>()
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...COMMANDS).chain(argumentsOf), async (argv) => {
      const { code, stdout, stderr, lines, json } = await world.run(...argv)
      seen.set(code, (seen.get(code) ?? 0) + 1)
      expect(TABLE).toContain(code)
      expect(code, stderr).not.toBe(70)
      const shown = argv.includes('--color') ? withoutColors(stdout + stderr) : stdout + stderr
      expect(rawCodePoints(shown)).toEqual([])
      const end = argv.indexOf('--')
      const asJson = (end < 0 ? argv : argv.slice(0, end)).includes('--json')
      if (asJson && code === 0 && argv[0] === 'inspect' && argv[1] !== 'summary') lines()
      else if (asJson && !argv.includes('--no-json'))
        expect(json()).toMatchObject({ exitCode: code })
      if (code === 0) expect(stderr).not.toMatch(/^papyra: [a-z_]+:/m)
      else expect(stdout === '' && stderr === '').toBe(false)
    }),
    { numRuns: 800 },
  )
  expect([...seen.keys()]).toEqual(expect.arrayContaining([0, 64]))
})

/** A backend whose every opening fails with one code. */
function failing(code: PapyraErrorCode): BackendDefinition {
  const definition = memoryBackend()
  return {
    ...definition,
    open: async () => Promise.reject(new PapyraError(code, `It is ${code}.`)),
  }
}

test('every error code ends with its exit code, in text and in JSON', async () => {
  for (const [code, { exit, action }] of Object.entries(ERROR_CODES)) {
    const world = new World()
    world.configure(failing(code as PapyraErrorCode))
    const text = await world.run('persistence', 'scan')
    expect(text.code, code).toBe(exit)
    expect(text.stdout).toBe('')
    expect(text.stderr).toContain(`It is ${code}.`)
    const { code: exitCode, json } = await world.run('persistence', 'scan', '--json')
    expect(exitCode).toBe(exit)
    expect(json()).toMatchObject({
      schema: 'papyra.error/1',
      ok: false,
      exitCode: exit,
      error: { code, hint: action },
    })
  }
})

test('a defect ends with 70 and says where', async () => {
  const world = new World()
  const definition = {
    ...memoryBackend(),
    open: async () => Promise.reject(new TypeError('x is not a function')),
  }
  world.configure(definition)
  const { code, stderr } = await world.run('persistence', 'scan')
  expect(code).toBe(70)
  expect(stderr).toMatch(/papyra: internal: Unexpected: x is not a function/)
  expect(stderr).toContain('exit-codes.test.ts')
})
