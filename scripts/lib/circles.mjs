// Circles in a graph: of packages, and of the source files of one package.
import { dirname, resolve } from 'node:path'

/**
 * At least one circle of each knot in the graph, as the names on the way round, the first one again
 * at the end. `edges` is a map from each name to those it points to.
 */
export function circlesIn(edges) {
  const done = new Set()
  const found = []
  const visit = (name, path) => {
    const at = path.indexOf(name)
    if (at >= 0) found.push([...path.slice(at), name])
    if (at >= 0 || done.has(name)) return
    for (const next of edges.get(name) ?? []) visit(next, [...path, name])
    done.add(name)
  }
  for (const name of edges.keys()) visit(name, [])
  return found
}

/** The file among `files` that a relative specifier in `path` names; undefined if it is none. */
export function fileNamed(specifier, path, files) {
  const named = resolve(dirname(path), specifier)
  return [named, named.replace(/\.(m?)js$/, '.$1ts')].find((file) => files.has(file))
}
