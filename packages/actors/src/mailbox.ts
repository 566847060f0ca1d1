/** Messages in one piece of a mailbox: the first is small, as most mailboxes are nearly empty. */
const FIRST = 8
const LARGEST = 1024
/** Slots of the largest piece that an empty mailbox keeps. */
const KEPT = 256

/** Two slots for each entry: the message, then where it came from. */
interface Chunk {
  readonly slots: unknown[]
  next: Chunk | null
}

/** Where an entry came from. `counted` is false for the runtime's own notices. */
export interface Origin {
  readonly counted: boolean
}

/**
 * A queue, first in first out, as a list of pieces of growing size. An entry costs two slots and
 * nothing else; nothing is ever copied; what is drained is freed. `length` counts messages, not the
 * notices that the runtime sends.
 */
export class Mailbox {
  #head: Chunk
  #tail: Chunk
  #headAt = 0
  #tailAt = 0
  #entries = 0
  #length = 0
  /** What `shift` took out; the caller clears `message` when it has it. */
  message: unknown = null
  origin: Origin | null = null

  constructor() {
    this.#head = { slots: new Array(2 * FIRST), next: null }
    this.#tail = this.#head
  }

  /** How many messages wait. */
  get length(): number {
    return this.#length
  }

  /** True if nothing waits, no notice either. */
  get isEmpty(): boolean {
    return this.#entries === 0
  }

  push(message: unknown, origin: Origin | null): void {
    let { slots } = this.#tail
    if (this.#tailAt === slots.length) {
      slots = new Array(Math.min(2 * LARGEST, 2 * slots.length))
      this.#tail.next = { slots, next: null }
      this.#tail = this.#tail.next
      this.#tailAt = 0
    }
    slots[this.#tailAt] = message
    slots[this.#tailAt + 1] = origin
    this.#tailAt += 2
    this.#entries += 1
    if (origin === null || origin.counted) this.#length += 1
  }

  /** Takes the oldest entry into `message` and `origin`; false if there is none. */
  shift(): boolean {
    if (this.#entries === 0) return false
    if (this.#headAt === this.#head.slots.length) {
      this.#head = this.#head.next as Chunk
      this.#headAt = 0
    }
    const { slots } = this.#head
    const at = this.#headAt
    this.message = slots[at]
    this.origin = slots[at + 1] as Origin | null
    slots[at] = undefined
    slots[at + 1] = undefined
    this.#headAt += 2
    this.#entries -= 1
    if (this.origin === null || this.origin.counted) this.#length -= 1
    if (this.#entries === 0) {
      // Start again at the beginning of the piece at hand, unless it is large.
      const { slots: last } = this.#tail
      this.#head =
        last.length <= KEPT ? this.#tail : { slots: new Array<unknown>(2 * FIRST), next: null }
      this.#tail = this.#head
      this.#headAt = 0
      this.#tailAt = 0
    }
    return true
  }

  /** As `shift`, but passes over notices and leaves them where they are. False if there is none. */
  shiftMessage(): boolean {
    if (this.#length === 0) return false
    const notices: (Origin | null)[] = []
    while (this.shift() && this.origin?.counted === false) notices.push(this.origin)
    const { message, origin } = this
    for (const notice of notices.reverse()) this.#unshift(undefined, notice)
    this.message = message
    this.origin = origin
    return true
  }

  #unshift(message: unknown, origin: Origin | null): void {
    if (this.#headAt === 0) {
      const slots = new Array<unknown>(2 * FIRST)
      this.#head = { slots, next: this.#head }
      this.#headAt = slots.length
      // An empty piece behind is skipped by `shift` only when it has been read to its end.
      if (this.#entries === 0) {
        this.#tail = this.#head
        this.#tail.next = null
        this.#tailAt = slots.length
      }
    }
    this.#headAt -= 2
    this.#head.slots[this.#headAt] = message
    this.#head.slots[this.#headAt + 1] = origin
    this.#entries += 1
  }
}
