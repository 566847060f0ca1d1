import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const DAY_MS = 86_400_000

// CommonJS dependencies keep calling require() inside an ESM bundle.
const requireShim =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);"

/** @type {import('./bundle.d.ts').bundleForNode} */
export async function bundleForNode(entry) {
  const path = entry instanceof URL || entry.startsWith('file:') ? fileURLToPath(entry) : entry
  const result = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['papyra-source'],
    sourcemap: 'inline',
    legalComments: 'none',
    logLevel: 'silent',
    banner: { js: requireShim },
  })
  const code = result.outputFiles[0]?.contents
  if (code === undefined) throw new Error(`esbuild wrote nothing for ${path}`)
  const hash = createHash('sha256').update(code).digest('hex').slice(0, 16)
  const dir = join(cacheRoot(path), '.cache', 'papyra-bundles')
  const file = join(dir, `${basename(path).replace(/\.[^.]+$/, '')}-${hash}.mjs`)
  await mkdir(dir, { recursive: true })
  await writeOnce(file, code)
  await prune(dir)
  return file
}

/** @param {string} path */
function cacheRoot(path) {
  for (let dir = dirname(path); ; dir = dirname(dir)) {
    const candidate = join(dir, 'node_modules')
    if (existsSync(candidate)) return candidate
    if (dir === dirname(dir)) throw new Error(`no node_modules above ${path}`)
  }
}

/**
 * @param {string} file
 * @param {Uint8Array} code
 */
async function writeOnce(file, code) {
  const now = new Date()
  if (existsSync(file)) return utimes(file, now, now).catch(() => {})
  const temp = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`
  await writeFile(temp, code)
  await rename(temp, file)
}

/**
 * Bundles that nobody asked for since yesterday.
 * @param {string} dir
 */
async function prune(dir) {
  for (const name of await readdir(dir)) {
    const file = join(dir, name)
    const info = await stat(file).catch(() => undefined)
    if (info && Date.now() - info.mtimeMs > DAY_MS) await rm(file, { force: true })
  }
}
