import { explainCode } from '../explain/code.js'
import type { DrillName, DrillResult, Expectation } from './types.js'

/** What was seen so far, round by round. */
export class Findings {
  readonly #drill: DrillName
  readonly #expectations = new Map<string, { held: boolean; seen: string[] }>()
  readonly #did: string[] = []
  readonly #met = new Set<string>()
  made = ''
  before = 0
  kept = 0
  lost = 0
  recoveryMs = 0

  constructor(drill: DrillName) {
    this.#drill = drill
  }

  did(what: string): void {
    this.#did.push(what)
  }

  met(codes: readonly string[]): void {
    for (const code of codes) this.#met.add(code)
  }

  /** What has to hold, in every round. Of what does not hold every figure is kept, else the last. */
  expect(what: string, held: boolean, seen: string): void {
    const known = this.#expectations.get(what)
    if (known === undefined) this.#expectations.set(what, { held, seen: [seen] })
    else if (!held && known.held) Object.assign(known, { held, seen: [seen] })
    else if (!held) known.seen.push(seen)
    else if (known.held) known.seen = [seen]
  }

  took(ms: number): void {
    this.recoveryMs = Math.max(this.recoveryMs, Math.round(ms))
  }

  result(): DrillResult {
    const expectations: Expectation[] = [...this.#expectations].map(([what, { held, seen }]) => ({
      ...{ what, held, seen: seen.join('; ') },
    }))
    const failed = expectations.some(({ held }) => !held)
    return this.#as(failed ? 'fail' : 'pass', null, expectations)
  }

  /** It does not apply, or could not be done. What was expected in vain before is a failure all the same. */
  without(state: 'skip' | 'unknown', reason: string): DrillResult {
    const { expectations, ...rest } = this.result()
    return { ...rest, expectations, state: rest.state === 'fail' ? 'fail' : state, reason }
  }

  #as(
    state: DrillResult['state'],
    reason: string | null,
    expectations: readonly Expectation[],
  ): DrillResult {
    const { made, before, kept, lost, recoveryMs } = this
    return {
      ...{ drill: this.#drill, state, made, did: [...this.#did], expectations },
      ...{ before, kept, lost, recoveryMs, reason },
      met: [...this.#met].sort().flatMap((code) => explainCode(code) ?? []),
    }
  }
}
