// Totals from the report of vitest's json reporter.
import { readFileSync } from 'node:fs'
import { relative, sep } from 'node:path'

/**
 * { passed, failed, skipped }. A test file that could not be loaded has no tests: it counts as one
 * failure, and so does a run that failed although no test did (an unhandled error, no test at all).
 */
export function totals(reportFile, exitCode = 0) {
  const report = readReport(reportFile)
  if (report === undefined) return { passed: 0, failed: exitCode === 0 ? 0 : 1, skipped: 0 }
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((t) => t.status !== 'failed'),
  ).length
  const failed = report.numFailedTests + broken
  const bad = exitCode !== 0 || report.success === false
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && bad ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

export function tally({ passed, failed }) {
  return `${passed} passed, ${failed} failed`
}

/**
 * What the test files of each package took: [[folder, seconds]], the longest first. Files run side by
 * side, so that the sum is more than what the clock says. Empty without a report.
 */
export function secondsByPackage(reportFile, root) {
  const seconds = new Map()
  for (const { name, startTime, endTime } of readReport(reportFile)?.testResults ?? []) {
    const folder = relative(root, name).split(sep).slice(0, -1)
    const part = folder.slice(0, folder[0] === 'scripts' ? 1 : 2).join('/')
    seconds.set(part, (seconds.get(part) ?? 0) + (endTime - startTime) / 1000)
  }
  return [...seconds].sort(([, a], [, b]) => b - a)
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
