const KNOWN: ReadonlySet<string> = new Set(['event', 'audit', 'dead_letter'])
const MOST_KINDS = 100

/** Records of a kind that this version does not know. */
export interface UnknownKind {
  count: number
  /** The first of them. */
  readonly offset: number
  readonly seq: number
}

/** Counts records by kind, of kinds that this version does not know; of the first hundred such kinds. */
export class UnknownKinds {
  readonly all: Map<string, UnknownKind> = new Map()

  count(kind: string, offset: number, seq: number): void {
    if (KNOWN.has(kind)) return
    const known = this.all.get(kind)
    if (known !== undefined) known.count++
    else if (this.all.size < MOST_KINDS) this.all.set(kind, { count: 1, offset, seq })
  }
}
