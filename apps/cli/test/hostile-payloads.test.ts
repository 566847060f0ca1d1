import { memoryBackend } from '@papyra/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rawCodePoints } from './fixtures/raw.js'
import { seed, World } from './fixtures/world.js'

const ATTACKS = [
  '\u001b[2J\u001b[H',
  '\u001b]0;owned\u0007',
  '\u001b]8;;http://evil\u001b\\click',
  '\u009b31m',
  '\u0090q\u009c',
  '\u202egnp.exe',
  '\u2066x\u2069',
  '\u2028',
  '\u2029',
  '\r\u001b[1A',
  '\b\b\b',
  '\u007f',
  '\u0000',
  '\ufeff',
  'a\nb',
  '\u001b[6n',
  '\u001bc',
  '\u061c',
  '\u{e0000}',
  '\u{e0002}',
  '\u2065',
  '\u200f',
  '\u00ad',
  '\ud800',
  '__proto__',
  '"},{"seq":1',
  '$(reboot)',
]

const text = fc.oneof(
  fc.constantFrom(...ATTACKS),
  fc.string({ unit: 'binary' }),
  fc.tuple(fc.constantFrom(...ATTACKS), fc.constantFrom(...ATTACKS)).map((pair) => pair.join('x')),
)

test('no record brings a raw control or bidi character to a terminal, in no listing', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ type: text, actor: text, value: text, key: text }), {
        minLength: 10,
        maxLength: 20,
      }),
      async (facts) => {
        const world = new World({ tty: true })
        const backend = memoryBackend()
        await seed(backend, async (papyra) => {
          for (const { type, actor, value, key } of facts) {
            const payload = { [key]: value }
            await papyra.recordEvent({ type: type || 'x', actor, payload })
            await papyra.recordDeadLetter({
              target: actor,
              messageType: type || 'x',
              payload,
              reason: value || 'x',
            })
            await papyra.recordAudit({
              totalActors: 1,
              aliveActors: 1,
              stoppingActors: 0,
              restartingActors: 0,
              registrySize: 1,
              registryOrphans: [value],
              deadLettersCount: 0,
            })
          }
        })
        world.configure(backend)
        for (const command of ['events', 'dead-letters', 'audits', 'summary']) {
          const plain = await world.run('inspect', command, '--no-color')
          expect(plain.code).toBe(0)
          expect(rawCodePoints(plain.stdout)).toEqual([])
          expect(plain.stdout.trimEnd().split('\n').length).toBeGreaterThan(1)
          const { stdout } = await world.run('inspect', command, '--json')
          expect(stdout).toMatch(/^[\n\x20-\x7e]+$/)
          if (command !== 'summary') expect(stdout.trimEnd().split('\n')).toHaveLength(facts.length)
        }
      },
    ),
    { numRuns: 25 },
  )
})

test('hostile arguments come back harmless', async () => {
  for (const attack of ATTACKS) {
    for (const argv of [
      ['persistence', attack],
      ['inspect', 'events', '--where', attack],
      ['explain', attack || 'x'],
      ['persistence', 'scan', '--path', attack, '--mode', attack],
      ['persistence', 'scan', `--${attack}`],
    ]) {
      const { code, stdout, stderr } = await new World().run(...argv)
      expect(code).not.toBe(70)
      expect(rawCodePoints(stdout + stderr)).toEqual([])
    }
  }
})

test('passwords in URLs reach neither text nor JSON', async () => {
  const world = new World()
  const backend = memoryBackend()
  await seed(backend, async (papyra) => {
    await papyra.recordEvent({
      type: 'redis://u:hunter2@h',
      actor: 'redis://u:hunter2@h',
      payload: { url: 'redis://:hunter2@h/0' },
    })
  })
  world.configure(backend)
  for (const more of [[], ['--json']]) {
    for (const command of ['events', 'summary']) {
      const { stdout } = await world.run('inspect', command, ...more)
      expect(stdout).toContain('***')
      expect(stdout).not.toContain('hunter2')
    }
  }
})
