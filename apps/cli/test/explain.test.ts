import { readFileSync } from 'node:fs'
import { ANOMALY_CODES, ERROR_CODES, NOTICE_CODES } from '@papyra/contracts'
import { expect, test } from 'vitest'
import { EXIT_CODES } from '../src/exit-codes.js'
import { World } from './fixtures/world.js'

test('every code of every catalogue is explained', async () => {
  const world = new World()
  const codes = [ERROR_CODES, ANOMALY_CODES, NOTICE_CODES].flatMap((catalogue) =>
    Object.entries(catalogue),
  )
  for (const [code, { meaning, action }] of codes) {
    const { code: exit, stdout } = await world.run('explain', code)
    expect(exit).toBe(0)
    expect(stdout).toContain(meaning)
    expect(stdout).toContain(action)
  }
  for (const { code, meaning } of EXIT_CODES) {
    expect((await world.run('explain', String(code))).stdout).toContain(meaning)
  }
})

test('the list has all of them, dashes are accepted, an unknown code is a usage error', async () => {
  const world = new World()
  expect((await world.run('explain')).stdout).toContain('torn_tail')
  expect((await world.run('explain', 'TORN-TAIL')).code).toBe(0)
  expect((await world.run('explain', 'nope')).code).toBe(64)
})

test('every error of the catalogue ends with an exit code of the table', () => {
  const known = new Set(EXIT_CODES.map(({ code }) => code))
  for (const { exit } of Object.values(ERROR_CODES)) expect(known).toContain(exit)
})

test('the README names every exit code', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const section = readme.slice(readme.indexOf('### Exit codes'), readme.indexOf('### cron'))
  for (const { code } of EXIT_CODES) expect(section).toMatch(new RegExp(`\\b${code}\\b`))
})
