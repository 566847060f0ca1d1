#!/usr/bin/env node
// `papyra --version` answers here, before anything else is loaded: it is what install checks run.
import { readFileSync, writeSync } from 'node:fs'

const [first, ...others] = process.argv.slice(2)

if (first === '--version' && others.length === 0) {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  try {
    writeSync(1, `${JSON.parse(manifest).version}\n`)
  } catch (error) {
    if (error.code !== 'EPIPE') process.exitCode = 74
  }
} else {
  import('../dist/main.js')
    .then(({ main }) => main())
    .catch((error) => {
      // Only a broken installation gets here; Node's own exit code would be 1, which means "no".
      console.error(`papyra: cannot start: ${error instanceof Error ? error.message : error}`)
      process.exitCode = 70
    })
}
