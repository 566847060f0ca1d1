import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { minuteLines } from '../lib/minutes.mjs'
import { secondsByPackage, tally, totals } from '../lib/vitest-report.mjs'

const passed = { status: 'passed' }
const failed = { status: 'failed' }

test.each([
  ['all passed', [[passed, passed]], true, 0, '2 passed, 0 failed'],
  ['one failed', [[passed, failed]], false, 1, '1 passed, 1 failed'],
  ['a file that did not load', [[passed], []], false, 1, '1 passed, 1 failed'],
  ['an unhandled error after passing tests', [[passed]], false, 1, '1 passed, 1 failed'],
  ['no test at all', [], true, 1, '0 passed, 1 failed'],
])('%s', (_, files, success, exitCode, expected) => {
  const dir = mkdtempSync(join(tmpdir(), 'papyra-report-'))
  const file = join(dir, 'report.json')
  writeFileSync(file, JSON.stringify(report(files, success)))
  expect(tally(totals(file, exitCode))).toBe(expected)
  rmSync(dir, { recursive: true })
})

test('a run that wrote no report has failed', () => {
  expect(tally(totals('/nowhere/report.json', 1))).toBe('0 passed, 1 failed')
})

test('seconds are told by package, the longest first, and as minutes', () => {
  const dir = mkdtempSync(join(tmpdir(), 'papyra-report-'))
  const file = join(dir, 'report.json')
  const took = (name, startTime, endTime) => ({ name: join(dir, name), startTime, endTime })
  const testResults = [
    took('packages/core/test/a.test.ts', 1000, 4000),
    took('apps/cli/test/b.test.ts', 0, 90_000),
    took('packages/core/test/deep/c.test.ts', 2000, 5500),
    took('scripts/test/d.test.mjs', 0, 200),
  ]
  writeFileSync(file, JSON.stringify({ testResults }))
  const seconds = secondsByPackage(file, dir)
  expect(seconds).toEqual([
    ['apps/cli', 90],
    ['packages/core', 6.5],
    ['scripts', 0.2],
  ])
  expect(minuteLines(seconds)).toEqual([
    '   1.5  apps/cli',
    '   0.1  packages/core',
    '   0.0  scripts',
  ])
  expect(secondsByPackage(join(dir, 'none.json'), dir)).toEqual([])
  rmSync(dir, { recursive: true })
})

function report(files, success) {
  const tests = files.flat()
  const count = (status) => tests.filter((t) => t.status === status).length
  return {
    success,
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: files.map((assertionResults) => ({
      status:
        assertionResults.length > 0 && !assertionResults.includes(failed) ? 'passed' : 'failed',
      assertionResults,
    })),
  }
}
