/** A name without case and separators: `max_records`, `maxRecords` and `MAX-RECORDS` are one. */
export function foldName(name: string): string {
  return name.toLowerCase().replaceAll('_', '').replaceAll('-', '')
}

/** The known name that was probably meant; `null` if none is near. */
export function nearestName(name: string, known: readonly string[]): string | null {
  const wanted = foldName(name).slice(0, 64)
  let best: string | null = null
  let least = Math.max(2, Math.floor(wanted.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(wanted, foldName(candidate))
    if (distance < least) [best, least] = [candidate, distance]
  }
  return best
}

/** How many letters must be added, removed or changed to make one text the other. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const changed = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      const shifted = Math.min(previous[column] ?? 0, current[column - 1] ?? 0) + 1
      current.push(Math.min(changed, shifted))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}
