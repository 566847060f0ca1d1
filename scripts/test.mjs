// `npm test [-- arguments for vitest]`: set up, run every test, say how many passed.
// PAPYRA_TEST_REPORT names the file for vitest's json report, when a caller wants to read it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requirePrograms } from './lib/programs.mjs'
import { run } from './lib/run.mjs'
import { tally, totals } from './lib/vitest-report.mjs'
import { root } from './lib/workspace.mjs'
import { setup } from './setup.mjs'

await setup()
await requirePrograms()
const temp = mkdtempSync(join(tmpdir(), 'papyra-test-'))
const report = process.env.PAPYRA_TEST_REPORT ?? join(temp, 'vitest.json')
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]

try {
  rmSync(report, { force: true })
  const code = await run(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)])
  const sum = totals(report, code)
  if (sum.skipped > 0) console.log(`${sum.skipped} skipped`)
  console.log(tally(sum))
  process.exitCode = code === 0 && sum.failed > 0 ? 1 : code
} finally {
  rmSync(temp, { recursive: true, force: true })
}
