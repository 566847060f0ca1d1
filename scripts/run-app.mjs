// `node scripts/run-app.mjs <app> [arguments]`: set up, build apps/<app> and what it uses, start it.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { capture, pnpmCommand, run, stopUnlessZero } from './lib/run.mjs'
import { root } from './lib/workspace.mjs'
import { setup } from './setup.mjs'

const [app = '', ...rest] = process.argv.slice(2)
const dir = join(root, 'apps', app)
if (app === '' || !existsSync(join(dir, 'package.json'))) {
  console.error(`run-app: there is no apps/${app}`)
  process.exit(64)
}

await setup()
await build(`@papyra/${app}`)
process.exitCode = await run('npm', ['run', '--silent', 'start', '--', ...rest], { cwd: dir })

/** Quiet unless it fails: what the app prints is what the user came for. */
async function build(name) {
  console.error(`run-app: building ${name}`)
  const turbo = [
    'exec',
    'turbo',
    'run',
    'build',
    `--filter=${name}...`,
    '--output-logs=errors-only',
  ]
  const { code, stdout, stderr } = await capture(...pnpmCommand(turbo))
  if (code !== 0) process.stderr.write(stdout + stderr)
  stopUnlessZero(code)
}
