import type { Clock } from '@papyra/contracts'
import type { Drop, DropReason } from './intake.js'
import { say, type PapyraLogger } from './logger.js'

/** Of drops for one reason, lines come no more often than this, in ms. */
const EVERY_MS = 10_000

/** Tells of drops: of the first at once, and then added up, so that a flood of them is none of lines. */
export class LoggedDrops {
  readonly #logger: PapyraLogger | undefined
  readonly #clock: Clock
  readonly #untold = new Map<DropReason, { facts: number; toldAt: number }>()

  constructor(logger: PapyraLogger | undefined, clock: Clock) {
    this.#logger = logger
    this.#clock = clock
  }

  add({ reason, records }: Drop): void {
    if (this.#logger === undefined) return
    const now = this.#clock.monotonic()
    const known = this.#untold.get(reason)
    const one = known ?? { facts: 0, toldAt: Number.NEGATIVE_INFINITY }
    one.facts += records
    this.#untold.set(reason, one)
    if (now - one.toldAt < EVERY_MS) return
    one.toldAt = now
    this.#tell(reason, one)
  }

  /** Tells what was not told yet. */
  end(): void {
    for (const [reason, one] of this.#untold) this.#tell(reason, one)
  }

  #tell(reason: DropReason, one: { facts: number }): void {
    const { facts } = one
    one.facts = 0
    if (facts > 0) say(this.#logger, 'papyra.facts.dropped', { reason, facts })
  }
}
