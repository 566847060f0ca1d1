// `npm run pack:check`, after `npm run build`: what users would get. Packs every published package,
// looks into the tarballs, and installs them into empty folders with npm.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkCli, checkLibraries, FILE_BACKENDS } from './lib/install-checks.mjs'
import { checkTarball, packAll } from './lib/tarballs.mjs'

const temp = mkdtempSync(join(tmpdir(), 'papyra-pack-'))
const problems = []

try {
  const packed = await packAll(temp)
  for (const item of packed) await section(item.name, () => checkTarball(item))
  const sound = problems.length === 0
  if (sound) {
    for (const use of Object.keys(FILE_BACKENDS))
      await section(`core and backend-${use} alone`, () => checkLibraries(packed, temp, use))
  }
  if (sound) await section('global papyra', () => checkCli(packed, temp))
} finally {
  rmSync(temp, { recursive: true, force: true })
}
console.log(`packages: ${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1

async function section(title, check) {
  const found = await check()
  console.log(`packages: ${title}: ${found.length === 0 ? 'ok' : `${found.length} problems`}`)
  for (const problem of found) console.error(`  ${problem}`)
  problems.push(...found)
}
