import { setTimeout as sleep } from 'node:timers/promises'
import { writeSync } from 'node:fs'
import type { Backend } from '@papyra/contracts'
import { told } from '../child-process.js'
import { definitionOf, kindOf } from '../kinds.js'

/** What a follower saw. */
export interface Followed {
  readonly seen: number
  readonly last: number
  /** Numbers that were not above the one before: seen twice, or out of order. */
  readonly backwards: number
  /** Stretches that were passed over because compaction had removed them. */
  readonly skipped: number
  /** Stretches that were passed over although the policy kept them. */
  readonly missing: readonly { readonly first: number; readonly last: number }[]
  readonly errors: readonly string[]
}

type Gap = Followed['missing'][number]

class Follower {
  readonly #store: Backend
  readonly #keep: number
  seen = 0
  last = 0
  backwards = 0
  skipped = 0
  missing: Gap[] = []

  constructor(store: Backend, keep: number) {
    this.#store = store
    this.#keep = keep
  }

  /** Reads what came since the last pass; gives how many records. */
  async pass(): Promise<number> {
    const before = this.seen
    const gaps: Gap[] = []
    for await (const { seq } of this.#store.read({ afterSeq: this.last })) {
      this.seen++
      if (seq <= this.last) this.backwards++
      else if (seq > this.last + 1) gaps.push({ first: this.last + 1, last: seq - 1 })
      this.last = Math.max(this.last, seq)
    }
    if (gaps.length > 0) await this.#judge(gaps)
    return this.seen - before
  }

  /** What a compaction removed was, when it did, behind the newest that it kept: now it is so too. */
  async #judge(gaps: readonly Gap[]): Promise<void> {
    const { lastSeq } = await this.#store.describe()
    for (const gap of gaps) {
      if (gap.last <= (lastSeq ?? 0) - this.#keep) this.skipped++
      else this.missing.push(gap)
    }
  }
}

/** Follows a store that another process writes, until it is told the last number there will be. */
export async function soakFollower([kind, path = '', keep = '0']: string[]): Promise<void> {
  const parent = told()
  const store = await definitionOf(kindOf(kind), path).open({ access: 'read' })
  const follower = new Follower(store, Number(keep))
  const errors: string[] = []
  for (let idle = 0; errors.length < 10; ) {
    const told = parent.last()
    const got = await follower.pass().catch((error: unknown) => {
      errors.push(String(error))
      return 0
    })
    if (got > 0) idle = 0
    else idle++
    if (told !== null && (follower.last >= Number(told) || idle > 50)) break
    if (got === 0) await sleep(5)
  }
  await store.close()
  const { seen, last, backwards, skipped, missing } = follower
  const followed: Followed = { seen, last, backwards, skipped, missing, errors }
  writeSync(1, `${JSON.stringify(followed)}\n`)
  process.exit(0)
}
