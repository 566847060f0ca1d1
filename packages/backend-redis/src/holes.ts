/** Records of a kind that are known to be gone, by their place in the kind's row (1: the first ever). */
export interface Hole {
  readonly first: number
  readonly last: number
  /** What they took, all together. */
  readonly bytes: number
}

/** In order, none touching the next. */
export type Holes = readonly Hole[]

/** `1-7-812,9-9-95`; empty where there are none. */
export function formatHoles(holes: Holes): string {
  return holes.map(({ first, last, bytes }) => `${first}-${last}-${bytes}`).join(',')
}

/** Throws if the text was not made by `formatHoles`. */
export function parseHoles(text: string): Holes {
  if (text === '') return []
  return text.split(',').map((range) => {
    const found = /^(\d+)-(\d+)-(\d+)$/.exec(range)
    if (found === null) throw new TypeError('no ranges')
    return { first: Number(found[1]), last: Number(found[2]), bytes: Number(found[3]) }
  })
}

/** How many records they are. */
export function sizeOfHoles(holes: Holes): number {
  return holes.reduce((sum, { first, last }) => sum + last - first + 1, 0)
}

/** What they took. */
export function bytesOfHoles(holes: Holes): number {
  return holes.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** Both together; no record may be in both. */
export function joinHoles(holes: Holes, more: Holes): Holes {
  const sorted = [...holes, ...more].sort((a, b) => a.first - b.first)
  const joined: Hole[] = []
  for (const hole of sorted) {
    const before = joined.at(-1)
    if (before === undefined || hole.first !== before.last + 1) joined.push(hole)
    else {
      const bytes = before.bytes + hole.bytes
      joined[joined.length - 1] = { first: before.first, last: hole.last, bytes }
    }
  }
  return joined
}

/** The same, and everything up to `last` gone, which with all before it took `bytes`. */
export function coverThrough(holes: Holes, last: number, bytes: number): Holes {
  if (last < 1) return holes
  return joinHoles(
    holes.filter((hole) => hole.first > last),
    [{ first: 1, last, bytes }],
  )
}

/** The parts of `first` to `last` that are in none of them, and what the parts take together. */
export function outsideHoles(holes: Holes, gap: Hole): Holes {
  const parts: Hole[] = []
  let from = gap.first
  let bytes = gap.bytes
  for (const hole of holes) {
    if (hole.last < from) continue
    if (hole.first > gap.last) break
    if (hole.first > from) parts.push({ first: from, last: hole.first - 1, bytes: 0 })
    from = hole.last + 1
    bytes -= hole.bytes
  }
  if (from <= gap.last) parts.push({ first: from, last: gap.last, bytes: 0 })
  const [head, ...rest] = parts
  return head === undefined ? [] : [{ ...head, bytes: Math.max(0, bytes) }, ...rest]
}
