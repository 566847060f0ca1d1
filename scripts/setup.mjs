// Check Node, install the dependencies if they are not those of the lockfile.
// `node scripts/setup.mjs` installs when needed, `--install` in any case.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { pnpmCommand, run, stopUnlessZero } from './lib/run.mjs'
import { readJson, root, workspacePackages } from './lib/workspace.mjs'

const stampFile = join(root, 'node_modules', '.papyra-setup')

export async function setup({ always = false } = {}) {
  checkNode()
  const stamp = fingerprint()
  if (!always && installed() === stamp) return
  console.error('setup: installing the dependencies of pnpm-lock.yaml')
  // Without CI pnpm asks before it replaces a node_modules folder; there may be nobody to answer.
  const options = { env: { CI: 'true' }, stdin: 'ignore' }
  const flags = ['--frozen-lockfile', '--reporter=append-only', '--loglevel=warn']
  const [command, args] = pnpmCommand(['install', ...flags])
  const code = await run(command, args, options)
  if (code !== 0) console.error('setup: the installation failed; see above')
  stopUnlessZero(code)
  mkdirSync(join(root, 'node_modules'), { recursive: true })
  writeFileSync(stampFile, stamp)
}

function checkNode() {
  const wanted = readJson(join(root, 'package.json')).engines.node.replace('>=', '')
  if (!older(process.versions.node, wanted)) return
  console.error(`Papyra needs Node ${wanted} or later; this is ${process.versions.node}.`)
  process.exit(1)
}

function older(version, wanted) {
  const [a, b] = [version, wanted].map((text) => text.split('.').map(Number))
  const at = a.findIndex((part, index) => part !== b[index])
  return at >= 0 && a[at] < b[at]
}

/** What an installation depends on. */
function fingerprint() {
  const hash = createHash('sha256')
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml']
  for (const { folder } of workspacePackages()) files.push(`${folder}/package.json`)
  for (const file of files) {
    hash.update(file)
    hash.update(readFileSync(join(root, file)))
  }
  hash.update(`${process.platform}-${process.arch}`)
  return hash.digest('hex')
}

function installed() {
  return existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : undefined
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await setup({ always: process.argv.includes('--install') })
}
