import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { bundleForNode } from '@papyra/build-config/bundle'
import { jsonBackend } from '@papyra/backend-json'
import { openPapyra } from '@papyra/core'
import { expect, test } from 'vitest'
import { slug } from '../src/alert.js'
import { ALERTS } from '../src/rules.js'
import { command } from './support/command.js'

const page = (name: string): string =>
  readFileSync(new URL(`../../../docs/observability/${name}.md`, import.meta.url), 'utf8')

/** Every `papyra …` in backquotes, with something real for what stands in capitals. */
function commands(): string[] {
  const texts = ALERTS.flatMap(({ steps }) => steps)
  const all = texts.flatMap((text) => [...text.matchAll(/`papyra ([^`]+)`/g)].map(([, one]) => one))
  return [...new Set(all.map((one) => (one ?? '').replace('CODE', 'write_failed')))].sort()
}

test('every command that a page names is one that the command line takes', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'papyra-runbooks-'))
  const path = join(dir, 'shop.ndjson')
  const retention = { maxRecords: 1 }
  const papyra = await openPapyra({ systemId: 'shop', backend: jsonBackend({ path }), retention })
  for (let n = 0; n < 3; n++) await papyra.recordEvent({ type: 'tick' })
  await papyra.close()
  const main = await bundleForNode(new URL('../../cli/test/fixtures/papyra.ts', import.meta.url))
  const all = commands()
  expect(all.length).toBeGreaterThan(8)
  for (const one of all) {
    // A file has no groups: of these only the help.
    const args = one.startsWith('inspect groups') ? ['inspect', 'groups', '--help'] : one.split(' ')
    const store = /^(explain|inspect groups)/.test(one) ? [] : ['--path', path]
    const { code, said } = await command(process.execPath, [main, ...args, ...store], dir)
    expect(`papyra ${one}: ${code}`, said).toBe(`papyra ${one}: 0`)
  }
  await rm(dir, { recursive: true })
})

test('every rule links to a page that is there, and every page has all its parts', () => {
  const list = page('alerts')
  for (const alert of ALERTS) {
    expect(list).toContain(`(${slug(alert)}.md)`)
    const text = page(slug(alert))
    for (const part of ['## What to do\n\n1. ', '## When it clears\n', '## The rule\n']) {
      expect(text, alert.name).toContain(part)
    }
    // Something to type, on each of them.
    expect(alert.steps.join('\n'), alert.name).toMatch(/`(papyra|curl) /)
  }
})
