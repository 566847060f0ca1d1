import { expect, test } from 'vitest'
import { COMMANDS } from '../src/args/commands.js'
import { parseCommand } from '../src/args/parse.js'
import { World } from './fixtures/world.js'

test.each(COMMANDS.map((spec) => [spec.words.join(' '), spec] as const))(
  'help of %s starts with examples that parse',
  async (_name, spec) => {
    const { code, stdout, stderr } = await new World().run(...spec.words, '--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Examples:\n/)
    for (const name of Object.keys(spec.options)) expect(stdout).toContain(`--${name}`)
    for (const { line } of spec.examples) {
      const words = line.split(/[|>]/)[0]?.trim().split(' ').slice(1) ?? []
      expect((await parseCommand(words)).spec).toBe(spec)
    }
  },
)

test('--help never runs the command, wherever it stands', async () => {
  const world = new World()
  for (const argv of [
    ['--help', 'init'],
    ['init', '-h'],
    ['init', '--format', 'ts', '--help'],
    ['help', 'init'],
  ]) {
    expect((await world.run(...argv)).stdout).toContain('papyra init [options]')
  }
  expect((await world.run('init')).code).toBe(0)
})

test('help for all, for a group, for exit codes', async () => {
  const world = new World()
  expect((await world.run('--help')).stdout).toContain('persistence startup-check')
  expect((await world.run('persistence', '--help')).stdout).not.toContain('metrics reset')
  expect((await world.run('help', 'exit-codes')).stdout).toMatch(/75 +A living owner/)
  const bare = await world.run()
  expect(bare.code).toBe(64)
  expect(bare.stdout).toBe('')
  expect(bare.stderr).toContain('Examples:')
})

test.each([
  ['no such command', ['persistence', 'scn'], /Did you mean `papyra persistence scan`/],
  ['a group alone', ['persistence'], /Which of: scan, recover/],
  ['an unknown option', ['persistence', 'scan', '--pth', 'x'], /Unknown argument: pth/],
  ['an option without its value', ['persistence', 'scan', '--path'], /--path needs a value/],
  [
    'an option whose value is an option',
    ['persistence', 'scan', '--path', '--quiet'],
    /--path needs a value/,
  ],
  ['an empty value', ['persistence', 'scan', '--path='], /--path has no value/],
  [
    'an option twice',
    ['persistence', 'scan', '--path', 'a', '--path', 'b'],
    /--path is given 2 times/,
  ],
  ['a negated option with a value', ['persistence', 'scan', '--no-path'], /--path has no value/],
  ['a flag with a value', ['persistence', 'compact', '--dry-run=yes'], /--dry-run takes no value/],
  ['a short flag with a value', ['persistence', 'compact', '-y=no'], /-y takes no value/],
  ['a stray word', ['persistence', 'scan', 'log.ndjson'], /Unknown argument: log\.ndjson/],
  [
    'a stray word behind --',
    ['persistence', 'scan', '--', 'log.ndjson'],
    /Unknown argument: log\.ndjson/,
  ],
  [
    'a mode that is none',
    ['persistence', 'startup-check', '--mode', 'nope'],
    /--mode cannot be "nope"/,
  ],
  [
    'a recovery mode that is not needed',
    ['persistence', 'startup-check', '--recovery-mode', 'nope'],
    /repair, quarantine/,
  ],
  [
    'ignore is no way to recover',
    ['persistence', 'recover', '--mode', 'ignore'],
    /repair, quarantine/,
  ],
  ['a bare number as duration', ['persistence', 'recover', '--wait-lock', '60'], /60s/],
  ['a limit of zero', ['persistence', 'compact', '--max-records', '0'], /positive whole number/],
  ['a negative limit', ['inspect', 'events', '--limit', '-5'], /positive whole number/],
  [
    'a time that is none',
    ['inspect', 'events', '--since', 'whenever'],
    /--since cannot be "whenever"/,
  ],
  ['a condition without a value', ['inspect', 'events', '--where', 'x'], /KEY=VALUE/],
  ['--follow with --reverse', ['inspect', 'events', '--follow', '--reverse'], /--reverse/],
  [
    'since behind until',
    ['inspect', 'events', '--since', '1h', '--until', '2h'],
    /nothing could match/,
  ],
  ['no shell', ['completion'], /Not enough/],
  ['an unknown shell', ['completion', 'tcsh'], /bash, zsh, fish/],
])('%s is a usage error', async (_name, argv, message) => {
  const world = new World()
  const { code, stdout, stderr } = await world.run(...argv)
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  expect(stderr).toMatch(/^papyra: invalid_argument: /)
  expect(stderr).toMatch(message)
  const json = await world.run('--json', ...argv)
  expect(json.json()).toMatchObject({
    schema: 'papyra.error/1',
    ok: false,
    exitCode: 64,
    error: { code: 'invalid_argument' },
  })
  expect(json.stderr).toBe('')
})

test('a variable of somebody else that begins with PAPYRA_ breaks nothing', async () => {
  const world = new World({ env: { PAPYRA_FOO: '1', PAPYRA_JSON: 'x' } })
  expect((await world.run('explain', 'torn_tail')).code).toBe(0)
})

test('every command writes nothing but JSON to standard output with --json', async () => {
  for (const { words, positional } of COMMANDS) {
    const value = positional === undefined ? [] : [positional.choices?.[0] ?? 'torn_tail']
    const { stdout, code, json } = await new World().run(...words, ...value, '--json')
    expect(stdout, words.join(' ')).not.toBe('')
    expect(json()).toMatchObject({
      exitCode: code,
      ok: code === 0,
      schema: expect.stringMatching(/^papyra\.[a-z-]+\/1$/),
    })
  }
})

test('completion names every command and option, in each shell', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await new World().run('completion', shell)
    expect(code).toBe(0)
    for (const { words, options } of COMMANDS) {
      for (const word of words) expect(stdout).toContain(word)
      for (const name of Object.keys(options)) expect(stdout).toContain(name)
    }
  }
})
