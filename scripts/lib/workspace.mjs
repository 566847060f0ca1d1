// What the scripts need to know about this repository.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** The exact pnpm of package.json's packageManager, such as "pnpm@10.34.9". */
export function pnpmPin() {
  return readJson(join(root, 'package.json')).packageManager
}

/** Every workspace package: { name, folder, dir, manifest }, packages before apps. */
export function workspacePackages(base = root) {
  return ['packages', 'apps'].flatMap((parent) =>
    folders(join(base, parent)).flatMap((name) => {
      const folder = `${parent}/${name}`
      const dir = join(base, folder)
      const manifest = tryJson(join(dir, 'package.json'))
      return manifest ? [{ name: manifest.name, folder, dir, manifest }] : []
    }),
  )
}

/** Those that are published. */
export function publicPackages() {
  return workspacePackages().filter((p) => p.manifest.private !== true)
}

function folders(dir) {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort()
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}

function tryJson(path) {
  try {
    return readJson(path)
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Files below `dir` for which `keep(path)` holds, without node_modules and build output. */
export function filesBelow(dir, keep) {
  const skip = new Set(['node_modules', 'dist', 'coverage', '.turbo', '.git'])
  const found = []
  const visit = (current) => {
    for (const entry of readdirSync(current, { withFileTypes: true })) {
      const path = join(current, entry.name)
      if (entry.isDirectory()) {
        if (!skip.has(entry.name)) visit(path)
      } else if (keep(path)) found.push(path)
    }
  }
  visit(dir)
  return found.sort()
}
