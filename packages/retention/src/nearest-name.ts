/** A beginning shorter than this fits too many names. */
const SHORTEST_STEM = 4

/**
 * The allowed name that was probably meant, or `null` if none is near. Upper and lower case and
 * separators do not count, so `max_records` is `maxRecords`; a beginning stands for its name.
 */
export function nearestName(name: string, allowed: readonly string[]): string | null {
  const wanted = fold(name)
  let best: string | null = null
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of allowed) {
    const folded = fold(candidate)
    if (wanted.length >= SHORTEST_STEM && folded.startsWith(wanted)) return candidate
    // Names that differ this much in length are not near, and need no comparing.
    if (Math.abs(folded.length - wanted.length) > reach(folded)) continue
    const distance = editDistance(wanted, folded)
    if (distance <= reach(folded) && distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function fold(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

function reach(name: string): number {
  return Math.max(2, Math.floor(name.length / 3))
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      const removed = (previous[column] ?? 0) + 1
      const added = (current[column - 1] ?? 0) + 1
      current.push(Math.min(replaced, removed, added))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}
