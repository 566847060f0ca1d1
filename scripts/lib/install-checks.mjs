// Install the tarballs where nothing else is, and use them there.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { capture } from './run.mjs'
import { must } from './tarballs.mjs'

/** The backends that keep files: how a store of each is made, and where. */
export const FILE_BACKENDS = {
  json: { make: 'jsonBackend({ path: process.argv[2] })', path: 'sample.ndjson' },
  rotation: { make: 'rotationBackend({ dir: process.argv[2] })', path: 'sample/' },
}

const sample = (use, make) => `
import { openPapyra } from '@papyra/core'
import { ${use}Backend } from '@papyra/backend-${use}'
const papyra = await openPapyra({ systemId: 'shop', backend: ${make} })
await papyra.recordEvent({ actor: 'shop://orders', type: 'order.placed', payload: { id: 'A1' } })
await papyra.close()
`

/**
 * Somebody who runs a file backend gets the packages it is made of and nothing else. npm works
 * offline here, so a dependency from outside could not even be fetched.
 */
export async function checkLibraries(packed, temp, use) {
  const { make, path } = FILE_BACKENDS[use]
  const only = [`backend-${use}`, 'contracts', 'core', 'filelog', 'retention'].map(
    (n) => `@papyra/${n}`,
  )
  const dir = project(temp, `libraries-${use}`, packed, ['@papyra/core', `@papyra/backend-${use}`])
  await must('npm', ['install', '--offline', '--ignore-scripts'], { cwd: dir })
  const found = []
  const got = installed(join(dir, 'node_modules'))
  if (got.join() !== only.join())
    found.push(`installed ${got.join(', ')} instead of ${only.join(', ')}`)
  for (const name of only) found.push(...(await loadProblems(name, dir)))
  writeFileSync(join(dir, 'sample.mjs'), sample(use, make))
  const { code, stdout, stderr } = await capture('node', ['sample.mjs', path], { cwd: dir })
  if (code !== 0) found.push(`the sample program failed:\n${stdout}${stderr}`)
  return found
}

/** The globally installed command says its version and scans a log. */
export async function checkCli(packed, temp) {
  const cli = packed.find((item) => item.name === '@papyra/cli')
  if (cli === undefined) return ['there is no @papyra/cli']
  const prefix = join(temp, 'global')
  mkdirSync(prefix)
  const needed = workspaceNeeds(cli, packed).map((item) => item.tarball)
  await must(
    'npm',
    ['install', '-g', '--prefix', prefix, '--prefer-offline', cli.tarball, ...needed],
    {
      cwd: temp,
    },
  )
  const papyra = join(prefix, 'bin', 'papyra')
  if (!existsSync(papyra)) return ['npm installed no papyra command']
  return [
    ...(await versionProblems(papyra, cli.manifest.version, temp)),
    ...(await scanProblems(papyra, temp)),
  ]
}

async function versionProblems(papyra, version, cwd) {
  const { code, stdout, stderr } = await capture(papyra, ['--version'], { cwd })
  if (code === 0 && stdout.trim() === version) return []
  return [`papyra --version: exit ${code}, "${stdout}${stderr}" instead of ${version}`]
}

async function scanProblems(papyra, temp) {
  const scan = (path) => capture(papyra, ['persistence', 'scan', '--path', path], { cwd: temp })
  const found = []
  for (const [use, { path }] of Object.entries(FILE_BACKENDS)) {
    const { code, stdout, stderr } = await scan(join(temp, `libraries-${use}`, path))
    if (code !== 0) found.push(`scan of a sound ${use} store: exit ${code}\n${stdout}${stderr}`)
  }
  const missing = await scan(join(temp, 'missing.ndjson'))
  if (missing.code === 0) found.push('scan of a missing log ended with 0')
  return [...found, ...(await redisProblems(papyra, temp))]
}

/** The command brings no Redis client; who names such a store is told what to install. */
async function redisProblems(papyra, cwd) {
  const words = ['persistence', 'scan', '--redis-url', 'redis://127.0.0.1:1', '--system', 'shop']
  const { code, stderr } = await capture(papyra, words, { cwd })
  if (code === 69 && stderr.includes('npm install @papyra/backend-redis ioredis')) return []
  return [`a Redis store without its package: exit ${code}\n${stderr}`]
}

/** A project with these packages as dependencies; the others come from tarballs when asked for. */
function project(temp, folder, packed, names) {
  const dir = join(temp, folder)
  mkdirSync(dir)
  const tarballs = Object.fromEntries(packed.map((item) => [item.name, `file:${item.tarball}`]))
  const dependencies = Object.fromEntries(names.map((name) => [name, tarballs[name]]))
  const others = Object.entries(tarballs).filter(([name]) => !names.includes(name))
  const overrides = Object.fromEntries(others)
  writeFileSync(
    join(dir, 'package.json'),
    JSON.stringify({ private: true, dependencies, overrides }),
  )
  return dir
}

/** Names of everything in node_modules, at any depth. */
function installed(dir) {
  if (!existsSync(dir)) return []
  const visible = readdirSync(dir).filter((name) => !name.startsWith('.'))
  const names = visible.flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(dir, name)).map((part) => `${name}/${part}`) : [name],
  )
  const nested = names.flatMap((name) => installed(join(dir, name, 'node_modules')))
  return [...names, ...nested].sort()
}

/** import and require work; the latter fails on top-level await. */
async function loadProblems(name, cwd) {
  const found = []
  for (const code of [`await import('${name}')`, `require('${name}')`]) {
    const type = code.startsWith('await') ? 'module' : 'commonjs'
    const { code: exit, stderr } = await capture('node', [`--input-type=${type}`, '-e', code], {
      cwd,
    })
    if (exit !== 0) found.push(`${code}:\n${stderr}`)
  }
  return found
}

/** The workspace packages that one package needs, directly or not. */
function workspaceNeeds(item, packed) {
  const seen = new Set()
  const visit = (manifest) => {
    for (const name of Object.keys(manifest.dependencies ?? {})) {
      const next = packed.find((other) => other.name === name)
      if (next === undefined || seen.has(next)) continue
      seen.add(next)
      visit(next.manifest)
    }
  }
  visit(item.manifest)
  return [...seen]
}
