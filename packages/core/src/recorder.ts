import type { AppendFact, AppendResult, Backend, Clock, PapyraError } from '@papyra/contracts'
import type { EncodedFact, FactSource } from './encode.js'
import type { Lifecycle } from './lifecycle.js'
import type { PapyraLogger } from './logger.js'
import type { Recorded } from './papyra.js'
import { schemaVerdict, type PapyraSchemas } from './schemas.js'
import { WriteWatch, type WriteFailure } from './write-watch.js'

export interface RecorderOptions {
  readonly source: FactSource
  readonly clock: Clock
  readonly schemas: PapyraSchemas | undefined
  readonly lifecycle: Lifecycle
  readonly logger: PapyraLogger | undefined
}

/** The write side for whoever waits for the answer. */
export class Recorder {
  readonly #backend: Pick<Backend, 'append'>
  readonly #options: RecorderOptions
  readonly #writes: WriteWatch
  #recorded = 0
  #underWay = 0
  #whenIdle: (() => void) | null = null

  constructor(backend: Pick<Backend, 'append'>, options: RecorderOptions) {
    this.#backend = backend
    this.#options = options
    this.#writes = new WriteWatch(options.clock, options.logger)
  }

  /** Facts that were stored for whoever waited. */
  get recorded(): number {
    return this.#recorded
  }

  get failure(): WriteFailure | null {
    return this.#writes.failure
  }

  /** Resolves when nobody waits any more. */
  async settled(): Promise<void> {
    if (this.#underWay === 0) return
    await new Promise<void>((resolve) => (this.#whenIdle = resolve))
  }

  append(facts: readonly AppendFact[]): Promise<AppendResult> {
    return this.#writes.watch(this.#backend.append(facts))
  }

  /** Encodes at the call, so that later changes to the input change nothing. */
  async record<Input>(
    encode: (input: Input, source: FactSource) => EncodedFact,
    input: Input,
  ): Promise<Recorded> {
    const { lifecycle, source, schemas } = this.#options
    lifecycle.check()
    const fact = encode(input, source)
    const refusal = schemaVerdict(schemas, fact)
    this.#underWay += 1
    try {
      const { firstSeq } = await (refusal === null
        ? this.append([fact])
        : lifecycle.run(() => this.#appendUnless(refusal, fact)))
      this.#recorded += 1
      return { seq: firstSeq }
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) this.#whenIdle?.()
    }
  }

  async #appendUnless(
    refusal: PapyraError | Promise<PapyraError | null>,
    fact: EncodedFact,
  ): Promise<AppendResult> {
    const refused = await refusal
    if (refused !== null) throw refused
    return this.append([fact])
  }
}
