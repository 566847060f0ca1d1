// The arrows of docs/architecture.md hold: imports, manifests, no cycles; no circles of files either.
import { isBuiltin } from 'node:module'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ARROWS, DEV_PACKAGES } from './lib/arrows.mjs'
import { circlesIn, fileNamed } from './lib/circles.mjs'
import { importsOf } from './lib/imports.mjs'
import { filesBelow, root, workspacePackages } from './lib/workspace.mjs'

const SCOPE = '@papyra/'
const code = /\.(ts|mts|js|mjs)$/

/** Violations below `base`, one line of text each. */
export function checkBoundaries(base = root, arrows = ARROWS) {
  const packages = workspacePackages(base)
  const byName = new Map(packages.map((p) => [p.name, p]))
  const problems = cycles(packages)
  for (const pkg of packages) {
    const rule = arrows[shortName(pkg.name)]
    if (rule === undefined) {
      problems.push(`${pkg.folder}: ${pkg.name} is not in scripts/lib/arrows.mjs`)
      continue
    }
    problems.push(...manifestProblems(pkg, rule))
    const imports = new Map(
      filesBelow(pkg.dir, (file) => code.test(file)).map((path) => [path, importsOf(path)]),
    )
    for (const [path, items] of imports) {
      const context = { pkg, rule, path, byName, inSource: isSource(pkg, path) }
      for (const item of items) {
        const where = `${relative(base, path)}:${item.line}`
        problems.push(...importProblems(context, item).map((text) => `${where}: ${text}`))
      }
    }
    problems.push(...circles(pkg, imports))
  }
  return problems
}

const shortName = (name) => name.replace(SCOPE, '')

/** Shipped code: src and bin. Tests and configuration files have more freedom. */
function isSource(pkg, path) {
  return ['src', 'bin'].includes(relative(pkg.dir, path).split(sep)[0])
}

function importProblems(context, { specifier, star }) {
  const problems = []
  if (star && context.inSource) problems.push('`export *`: list the names instead')
  if (specifier.startsWith('.')) problems.push(...relativeProblems(context, specifier))
  else if (isBuiltin(specifier)) problems.push(...nodeProblems(context, specifier))
  else if (specifier.startsWith(SCOPE)) problems.push(...arrowProblems(context, specifier))
  else problems.push(...externalProblems(context, specifier))
  return problems
}

function relativeProblems({ pkg, rule, path, inSource }, specifier) {
  const target = relative(pkg.dir, resolve(dirname(path), specifier))
  if (target.startsWith('..')) return [`${specifier} leaves the package; import it by its name`]
  const here = relative(pkg.dir, path)
  const testing = join('src', 'testing') + sep
  if (inSource && !rule.testing && target.startsWith(testing) && !here.startsWith(testing)) {
    return [`${specifier}: src does not use its own ./testing`]
  }
  return []
}

function nodeProblems({ pkg, rule, inSource }, specifier) {
  if (!inSource) return []
  const name = shortName(pkg.name)
  if (rule.pure) return [`${specifier}: ${name} imports nothing from Node`]
  if (!rule.files && /^(node:)?fs(\/|$)/.test(specifier)) {
    return [`${specifier}: file data is touched in filelog only`]
  }
  return []
}

function arrowProblems({ pkg, rule, byName, inSource }, specifier) {
  const [, target = '', ...rest] = specifier.split('/')
  const other = byName.get(SCOPE + target)
  if (other === undefined) return inSource ? arrow(pkg, rule, target) : []
  const subpath = ['.', ...rest].join('/')
  const exported = Object.keys(other.manifest.exports ?? {})
  if (!exported.includes(subpath)) return [`${specifier} is not exported by ${other.name}`]
  if (!inSource) return declared(pkg, other.name, true)
  const problems = [...arrow(pkg, rule, target), ...declared(pkg, other.name, false)]
  if (rest[0] === 'testing' && !rule.testing) problems.push(`${specifier}: src uses no ./testing`)
  return problems
}

function arrow(pkg, rule, target) {
  if (rule.papyra[0] === '*' || rule.papyra.includes(target)) return []
  return [`${shortName(pkg.name)} may not import ${target}`]
}

function declared({ name, manifest }, wanted, devToo) {
  if (wanted === name) return []
  const fields = ['dependencies', 'peerDependencies', 'optionalDependencies']
  if (devToo) fields.push('devDependencies')
  if (fields.some((field) => wanted in (manifest[field] ?? {}))) return []
  return [`${wanted} is not among the ${fields.join(', ')}`]
}

function externalProblems({ pkg, rule, inSource }, specifier) {
  if (!inSource) return []
  const parts = specifier.split('/')
  const name = parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
  const allowed = rule.external ?? []
  if (allowed[0] !== '*' && !allowed.includes(name)) {
    return [`${name} is not allowed in ${shortName(pkg.name)}`]
  }
  return declared(pkg, name, false)
}

function manifestProblems({ folder, manifest }, rule) {
  const problems = []
  const check = (field, allowed) => {
    for (const name of Object.keys(manifest[field] ?? {})) {
      const ours = name.startsWith(SCOPE)
      const list = ours ? allowed : (rule.external ?? [])
      if (list[0] === '*' || list.includes(ours ? shortName(name) : name)) continue
      if (field === 'devDependencies' && !ours) continue
      problems.push(`${folder}/package.json: ${name} may not be among the ${field}`)
    }
  }
  check('dependencies', rule.papyra)
  check('peerDependencies', [...rule.papyra])
  check('devDependencies', [...rule.papyra, ...DEV_PACKAGES, ...(rule.dev ?? [])])
  return problems
}

/** Cycles in the graph of all dependencies, devDependencies included. */
function cycles(packages) {
  const fields = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies']
  const edges = new Map(
    packages.map(({ name, manifest }) => [
      name,
      fields.flatMap((f) => Object.keys(manifest[f] ?? {})).filter((n) => n.startsWith(SCOPE)),
    ]),
  )
  return circlesIn(edges).map((names) => `cycle: ${names.map(shortName).join(' → ')}`)
}

/** Source files of one package that import each other in a circle; imports of types count. */
function circles(pkg, imports) {
  const files = new Set([...imports.keys()].filter((path) => isSource(pkg, path)))
  const edges = new Map(
    [...files].map((path) => [
      path,
      imports
        .get(path)
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => fileNamed(specifier, path, files))
        .filter((file) => file !== undefined),
    ]),
  )
  return circlesIn(edges).map((paths) => {
    const names = paths.map((path) => relative(pkg.dir, path))
    return `${pkg.folder}: circle of imports: ${names.join(' → ')}`
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const problems = checkBoundaries()
  for (const problem of problems) console.error(problem)
  console.log(`boundaries: ${problems.length} problems`)
  process.exitCode = problems.length === 0 ? 0 : 1
}
