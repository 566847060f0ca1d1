/**
 * How much of one size limit is used up, by records that come newest first. The first record that
 * does not fit sets the boundary: from then on none fits, however small.
 */
export class Meter {
  /** What was reserved beforehand for records that the limit may not take. */
  readonly assumed: number
  readonly #wanted: number
  readonly #sparesFirst: boolean
  #used = 0
  #tallied = 0
  #arrived = false
  #below: number | null = null

  /** `sparesFirst`: the first record to arrive fits, whatever its size. */
  constructor(wanted: number, assumed: number, sparesFirst: boolean) {
    this.#wanted = wanted
    this.assumed = assumed
    this.#sparesFirst = sparesFirst
  }

  /** True if the record fits; false if the limit takes it. */
  take(amount: number, seq: number): boolean {
    const spared = this.#sparesFirst && !this.#arrived
    this.#arrived = true
    const fits = spared || this.#used + amount <= this.#wanted - this.assumed
    if (this.#below === null && fits) {
      this.#used += amount
      return true
    }
    this.#below ??= seq + 1
    return false
  }

  /**
   * Which of so many records, of `amount` together, would fit: `none` and `all` are certain whatever
   * their order and their sizes, `some` means that it depends on them.
   */
  foretell(records: number, amount: number): 'all' | 'none' | 'some' {
    if (this.#below !== null) return 'none'
    if (this.#used + amount <= this.#wanted - this.assumed) return 'all'
    const spared = this.#sparesFirst && !this.#arrived
    if (spared) return records === 1 ? 'all' : 'some'
    return this.full ? 'none' : 'some'
  }

  /** Takes records together after `foretell` said `all` or `none`; `lastSeq` is the newest of them. */
  takeTogether(fate: 'all' | 'none', amount: number, lastSeq: number): void {
    this.#arrived = true
    if (fate === 'all') this.#used += amount
    else this.#below ??= lastSeq + 1
  }

  /** A record that the limit may not take, but which counts against it. */
  tally(amount: number): void {
    this.#arrived = true
    this.#tallied += amount
  }

  /** True once a record came, one that counts against the limit only included. */
  get arrived(): boolean {
    return this.#arrived
  }

  /** True if so much more fits, without anything being spared. */
  fits(amount: number): boolean {
    return this.#below === null && this.#used + amount <= this.#wanted - this.assumed
  }

  /** Records with a smaller number are taken; `null` if none is. */
  get below(): number | null {
    return this.#below
  }

  /** The sum of what was tallied. */
  get tallied(): number {
    return this.#tallied
  }

  /** True if no later record can fit any more. Every record takes at least 1. */
  get full(): boolean {
    return this.#below !== null || this.#used >= this.#wanted - this.assumed
  }

  /** True if what was taken is what would have been taken with the tally reserved beforehand. */
  get settled(): boolean {
    if (this.#tallied === this.assumed) return true
    if (this.#below !== null) return false
    return this.#used === 0 || this.#used + this.#tallied <= this.#wanted
  }
}
