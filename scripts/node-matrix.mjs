// `npm run test:matrix [-- 22 24 [-- filters]]`: a smoke share of the tests under other Node
// versions, whose binaries come from the npm package "node".
import { join } from 'node:path'
import { capture, run } from './lib/run.mjs'
import { root } from './lib/workspace.mjs'
import { setup } from './setup.mjs'

const SMOKE = ['public-api', 'conformance', 'frame', 'errors', 'persistence', 'bundle']

const rest = process.argv.slice(2)
const dash = rest.indexOf('--')
const versions = (dash < 0 ? rest : rest.slice(0, dash)).map(String)
const filters = dash < 0 ? SMOKE : rest.slice(dash + 1)
const failed = []

await setup()
for (const version of versions.length > 0 ? versions : ['22', '24']) {
  const node = ['--yes', `--package=node@${version}`, '--', 'node']
  const found = await capture('npx', [...node, '--version'])
  console.log(`matrix: Node ${version}: ${found.stdout.trim() || found.stderr.trim()}`)
  const right = found.stdout.startsWith(`v${version}.`)
  const vitest = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...filters]
  const code = right ? await run('npx', [...node, ...vitest]) : 1
  if (code !== 0) failed.push(version)
}
console.log(failed.length === 0 ? 'matrix: all passed' : `matrix: failed on ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
