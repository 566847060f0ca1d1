import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { CHECK_GROUPS, CONFORMANCE_CHECKS, type Need } from '../src/index.js'

const read = (path: string): Promise<string> =>
  readFile(fileURLToPath(new URL(path, import.meta.url)), 'utf8')

const blocks = (text: string): string[] =>
  [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1] ?? '')

const PAGES = ['../README.md', '../../../docs/writing-a-backend.md']

test.each(PAGES)('%s begins with the conformance file that these tests run', async (page) => {
  const file = await read('./acme/conformance.test.ts')
  expect(blocks(await read(page))[0]).toBe(file)
  expect(file.trim().split('\n').length).toBe(15)
})

test('the README names every group with its number of checks, and every need', async () => {
  const text = await read('../README.md')
  for (const group of CHECK_GROUPS) {
    const count = CONFORMANCE_CHECKS.filter((check) => check.group === group).length
    expect(text).toContain(`| \`${group}\` | ${String(count)} |`)
  }
  const needs = new Set<Need>(CONFORMANCE_CHECKS.flatMap((check) => check.needs ?? []))
  for (const need of needs) expect(text).toContain(`\`${need}\``)
})

test('every check that the pages name exists', async () => {
  const ids = new Set(CONFORMANCE_CHECKS.map((check) => check.id))
  const names = new RegExp(`\`((?:${CHECK_GROUPS.join('|')})\\.[a-z][a-zA-Z.-]*)\``, 'g')
  for (const page of PAGES) {
    const named = [...(await read(page)).matchAll(names)].map((match) => match[1] ?? '')
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter((id) => !ids.has(id))).toEqual([])
  }
})
