import type { BlockMark } from '../format/block-mark.js'
import { Coverage } from './coverage.js'
import { applyMark, newGap } from './gaps.js'
import { addExtra, join, takeBack, type NewRun } from './runs.js'
import type { ExtraGroup, Gap, MarkFault, MarkPlace, Run, Stretch } from './scan-items.js'

/**
 * Follows the numbers of a log in the order of the file: what comes in its turn, what is skipped,
 * what comes out of order, and what block marks say about it. Decides nothing before the end, since
 * what is missing here may stand elsewhere.
 */
export class Numbers {
  /** The greatest number so far, of a record or of a mark. */
  cursor: number
  readonly kept: Run[] = []
  readonly gaps: Gap[] = []
  readonly extras: ExtraGroup[] = []
  readonly faults: MarkFault[] = []
  readonly coverage: Coverage = new Coverage()
  /** How many block marks are of this generation, and how many of each other one. */
  readonly marks: { own: number; readonly others: Map<number, number> } = {
    own: 0,
    others: new Map(),
  }
  /** The block that is open: the number, the checksum and the total of the mark before it. */
  answered: number
  chain: string
  total = 0
  #ordinal = 0
  /** The greatest number that came too early and was taken back. */
  #early = 0
  #pending: Gap[] = []
  /** Marks that were not in their place: what they say may be about numbers that come later. */
  readonly #loose: BlockMark[] = []
  #cause: Stretch | null = null
  /** True since something explains why the next mark may not fit. */
  #disturbed = false
  /** How much further behind the log's blocks stand than their marks say. */
  #shift = 0
  #jump: Gap | null = null

  constructor(after: number, chain: string) {
    this.cursor = after
    this.answered = after
    this.chain = chain
  }

  get records(): number {
    return this.#ordinal
  }

  /** The greatest number of all, in its turn or not. */
  get last(): number {
    return Math.max(this.cursor, this.#early)
  }

  /** Damage; numbers that are missing right behind it are its. */
  stretch(stretch: Stretch): void {
    this.#cause = stretch
    this.#disturbed = true
  }

  /** Damage that shifts bytes but takes no records: stray bytes. */
  disturb(): void {
    this.#disturbed = true
  }

  /** A sound line that is no record though it has a number: the number counts as gone. */
  spent(stretch: Stretch, seq: number): void {
    this.stretch(stretch)
    if (seq <= this.cursor) return
    this.#skip(seq, stretch.offset, null)
    this.cursor = seq
  }

  /** One more record in its turn, right behind the last; false if it is not that. */
  next(seq: number, offset: number, end: number): boolean {
    const last = this.kept[this.kept.length - 1]
    if (seq !== this.cursor + 1 || last === undefined || last.end !== offset || !last.ended)
      return false
    last.end = end
    last.lastSeq = seq
    last.records++
    this.#ordinal++
    this.cursor = seq
    this.#cause = null
    return true
  }

  /** Sound records. `within` damage: found inside it. */
  run(run: NewRun, inDamage: boolean = false): void {
    if (run.firstSeq <= this.cursor && !this.#fallBack(run)) this.#extra(run)
    else this.#advance(run)
    if (!inDamage) this.#cause = null
  }

  /** A whole block that its mark proves. */
  block(run: NewRun, mark: BlockMark): void {
    if (run.firstSeq > this.cursor || this.#fallBack(run)) {
      // The numbers that the mark itself says are not there are no gap.
      if (mark.after > this.cursor) this.#skip(mark.after, run.offset, null)
      this.#push(run)
      this.cursor = mark.lastSeq
    } else this.#extra(run)
    this.#cause = null
  }

  #advance(run: NewRun): void {
    if (run.firstSeq > this.cursor + 1) this.#skip(run.firstSeq - 1, run.offset, null)
    const last = this.kept.at(-1)
    if (last !== undefined && last.end === run.offset && last.ended) {
      join(last, run)
      this.#ordinal += run.records
    } else this.#push(run)
    this.cursor = run.lastSeq
  }

  #push(run: NewRun): void {
    if (run.records > 0) this.kept.push({ ...run, ordinal: this.#ordinal })
    this.#ordinal += run.records
  }

  /** Notes that the numbers up to `last` did not come. */
  #skip(last: number, place: number, mark: Gap['mark']): void {
    const range = { first: this.cursor + 1, last }
    const gap = newGap(range, { place, ordinal: this.#ordinal, cause: this.#cause, mark })
    this.gaps.push(gap)
    this.#pending.push(gap)
    this.#jump = gap
  }

  #extra(run: NewRun): void {
    this.#disturbed = true
    addExtra(this.extras, run)
  }

  /**
   * Numbers come after a jump that the jump had skipped. If fewer records came behind the jump than
   * it skipped, those came too early, and this run goes on where the log was before the jump.
   */
  #fallBack(run: NewRun): boolean {
    const jump = this.#jump
    if (jump === null || jump.dead || run.firstSeq < jump.first || run.lastSeq > jump.last)
      return false
    if (jump.open.length + jump.missing.length === 0) return false
    if (this.#ordinal - jump.ordinal > jump.last - jump.first + 1) return false
    const early = takeBack(this.kept, jump)
    this.#ordinal = jump.ordinal
    jump.dead = true
    this.#early = this.last
    this.#jump = null
    if (this.#pending.at(-1) === jump) this.#pending.pop()
    else this.#pending = this.#pending.filter((gap) => gap !== jump)
    this.cursor = jump.first - 1
    this.#disturbed = true
    const first = early[0]
    const group = this.extras.at(-1)
    if (first !== undefined && group?.end === first.offset) {
      group.end = run.offset
      group.runs.push(...early)
    } else if (first !== undefined) {
      this.extras.push({ offset: first.offset, end: run.offset, runs: early })
    } else if (jump.mark !== null) {
      this.faults.push({
        ...jump.mark,
        unless: [],
        detail: 'A block mark stands before records that it answers for.',
      })
    }
    return true
  }

  /** A sound mark. Says what it is about; in its place or not, it is right about the numbers. */
  mark(mark: BlockMark, crc: string, at: MarkPlace): void {
    const { offset, end, blockStart } = at
    if (mark.lastSeq > this.cursor) {
      this.#skip(mark.lastSeq, offset, { offset, end })
      this.cursor = mark.lastSeq
    }
    this.marks.own++
    this.coverage.add(mark)
    const fits = mark.bytes === offset - blockStart && at.sumMatches
    if (this.#resolve(mark)) this.#disturbed = true
    const follows = mark.after === this.answered && mark.prev === this.chain && fits
    if (follows && (this.#disturbed || mark.offset + this.#shift === blockStart))
      this.#disturbed = false
    else this.#outOfPlace(mark, crc, at)
    if (fits) this.#shift = blockStart - mark.offset
    const group = this.extras.at(-1)
    if (group?.end === offset) group.end = end
    this.answered = mark.lastSeq
    this.chain = crc
    this.total = mark.total
    this.#cause = null
  }

  /** A sound mark of another generation: it says nothing about this one. */
  foreignMark({ generation }: BlockMark, place: { offset: number; end: number }): void {
    const { others } = this.marks
    others.set(generation, (others.get(generation) ?? 0) + 1)
    const detail = `A block mark of generation ${generation}, which is not the log's.`
    this.faults.push({ ...place, unless: [], detail })
    this.#disturbed = true
    const group = this.extras.at(-1)
    if (group?.end === place.offset) group.end = place.end
  }

  #outOfPlace(mark: BlockMark, crc: string, { offset, end, blockStart }: MarkPlace): void {
    this.#loose.push(mark)
    if (!this.#disturbed) {
      const unless = [...this.#pending]
      const missing = mark.after > this.answered && mark.bytes <= offset - blockStart
      const place = offset - mark.bytes
      if (missing)
        this.faults.push({ offset: place, end: place, unless, detail: 'A block mark is missing.' })
      else {
        const detail =
          crc === this.chain
            ? 'A block mark occurs twice.'
            : 'A block mark does not fit to the records before it.'
        this.faults.push({ offset, end, unless, detail })
      }
    }
    this.#disturbed = true
  }

  /** Applies what a mark says to the gaps; true if it says of a number that it was there. */
  #resolve(mark: BlockMark): boolean {
    if (this.#pending.length === 0) return false
    const found = applyMark(this.#pending, mark)
    this.#pending = this.#pending.filter((gap) => gap.open.length > 0)
    return found
  }

  /** The end of the log: the numbers up to `knownEnd` should have come; gives their gap if they did not. */
  finish(knownEnd: number, place: number): Gap | null {
    let tail: Gap | null = null
    this.#cause = null
    for (const last of [this.last, knownEnd]) {
      if (last <= this.cursor) continue
      this.#skip(last, place, null)
      this.cursor = last
      if (last === knownEnd) tail = this.gaps.at(-1) ?? null
    }
    for (const mark of this.#loose) this.#resolve(mark)
    return tail
  }
}
