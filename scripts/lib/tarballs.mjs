// Pack the published packages and look into what came out.
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { capture, pnpmCommand } from './run.mjs'
import { filesBelow, publicPackages, readJson, root } from './workspace.mjs'

/** Largest sum of gzipped JavaScript in dist, bytes. A package that outgrows it is asking to be two. */
const BUDGET_BYTES = 60_000
/**
 * The log's engine is one thing with many cases: one file, segments, the control socket, readable
 * output and its test file systems included. The command is many commands, each in a file that is loaded
 * when it is called.
 */
const LARGER_BUDGETS = { '@papyra/filelog': 160_000, '@papyra/cli': 80_000 }

/** [{ name, folder, manifest, tarball, dir }]; `dir` is the unpacked tarball. */
export async function packAll(temp) {
  const packed = []
  for (const { name, folder, dir } of publicPackages()) {
    const out = join(temp, 'packed', folder)
    mkdirSync(out, { recursive: true })
    await must(...pnpmCommand(['pack', '--pack-destination', out]), { cwd: dir })
    const [tarball] = filesBelow(out, (file) => file.endsWith('.tgz'))
    await must('tar', ['-xzf', tarball, '-C', out])
    const unpacked = join(out, 'package')
    const manifest = readJson(join(unpacked, 'package.json'))
    packed.push({ name, folder, manifest, tarball, dir: unpacked })
  }
  return packed
}

/** Run a command that has to succeed; its output is shown only if it does not. */
export async function must(command, args, options) {
  const result = await capture(command, args, options)
  if (result.code === 0) return result
  process.stderr.write(result.stdout + result.stderr)
  throw new Error(`${[command, ...args].join(' ')} ended with ${result.code}`)
}

export async function checkTarball(item) {
  return [...manifestProblems(item.manifest), ...fileProblems(item), ...(await lintProblems(item))]
}

function manifestProblems(manifest) {
  const found = []
  if (JSON.stringify(manifest).includes('papyra-source')) found.push('package.json: papyra-source')
  for (const field of ['dependencies', 'peerDependencies', 'optionalDependencies']) {
    for (const [name, range] of Object.entries(manifest[field] ?? {})) {
      if (/^[a-z]+:/.test(range)) found.push(`package.json: ${name} is "${range}"`)
    }
  }
  for (const script of ['preinstall', 'install', 'postinstall']) {
    if (manifest.scripts?.[script]) found.push(`runs a script on installation: ${script}`)
  }
  return found
}

function fileProblems({ dir, manifest }) {
  const files = filesBelowAll(dir)
  const names = files.map((file) => relative(dir, file))
  const found = []
  for (const wanted of ['package.json', 'README.md', 'LICENSE', ...entries(manifest)]) {
    if (!names.includes(wanted)) found.push(`${wanted} is not in the tarball`)
  }
  const stray = /(^|\/)(test|testdata|node_modules|coverage|\.turbo)\/|\.test\.|tsbuildinfo/
  found.push(
    ...names.filter((n) => stray.test(n)).map((n) => `${n} does not belong in the tarball`),
  )
  for (const file of files.filter((f) => /\.(js|map|ts|json|md)$/.test(f))) {
    if (readFileSync(file, 'utf8').includes(root))
      found.push(`${relative(dir, file)} names ${root}`)
  }
  const scripts = files.filter((file) => /\/dist\/.*\.js$/.test(file))
  const size = scripts.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0)
  const budget = LARGER_BUDGETS[manifest.name] ?? BUDGET_BYTES
  if (size > budget) found.push(`${size} bytes of gzipped JavaScript, over ${budget}`)
  for (const bin of Object.values(manifest.bin ?? {})) {
    const path = join(dir, bin)
    if ((statSync(path).mode & 0o111) === 0) found.push(`${bin} is not executable`)
  }
  return found
}

/** Files that the manifest points to. */
function entries(manifest) {
  const targets = (value) =>
    typeof value === 'string' ? [value] : Object.values(value).flatMap(targets)
  const paths = [...targets(manifest.exports ?? {}), ...Object.values(manifest.bin ?? {})]
  return [...new Set(paths.map((path) => path.replace(/^\.\//, '')))]
}

/** Everything below `dir`, dist included. */
function filesBelowAll(dir) {
  return [...filesBelow(dir, () => true), ...filesIn(join(dir, 'dist'))]
}

function filesIn(dir) {
  try {
    return filesBelow(dir, () => true)
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}

async function lintProblems({ tarball, dir, manifest }) {
  const bin = (name) => join(root, 'node_modules', '.bin', name)
  const checks = [['publint', ['run', dir, '--strict', '--pack', 'false']]]
  // A package without an importable entry has no types to check.
  if (manifest.exports?.['.']) {
    checks.push(['attw', [tarball, '--profile', 'esm-only', '--no-color', '--no-emoji']])
  }
  const found = []
  for (const [name, args] of checks) {
    const { code, stdout, stderr } = await capture(bin(name), args)
    if (code !== 0) found.push(`${name}:\n${stdout}${stderr}`)
  }
  return found
}
