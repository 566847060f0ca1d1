import type { Check, CheckCounts, CheckState, Mend } from '@papyra/doctor'
import type { Store } from '../store.js'
import type { Output } from './output.js'

type Shown = Check & {
  readonly waived?: { readonly reason: string; readonly expires: string } | null
}

const MARKS = {
  pass: ['green', '[pass]'],
  warn: ['yellow', '[warn]'],
  fail: ['red', '[fail]'],
  unknown: ['yellow', '[ ?? ]'],
  skip: ['dim', '[ -- ]'],
} as const satisfies Readonly<Record<CheckState, readonly [string, string]>>

/** One line a check; of what is not in order also why it matters, and what mends it. */
export async function showChecks(
  out: Output,
  store: Store,
  checks: readonly Shown[],
): Promise<void> {
  const width = Math.max(0, ...checks.map(({ id }) => id.length))
  for (const check of checks) {
    const { id, state, evidence, why, mend, waived } = check
    await out.line(MARKS[state], ` ${id.padEnd(width)}  ${evidence}`)
    if (state === 'pass' || state === 'skip') continue
    await out.line(`       ${why}`)
    if (waived != null) await out.line(`       waived until ${waived.expires}: ${waived.reason}`)
    else if (mend !== null) await out.line(`       -> ${mendText(store, mend)}`)
  }
}

/** The command as it can be typed, or what else is to be done. */
export function mendText(store: Store, mend: Mend): string {
  return 'papyra' in mend ? store.again(mend.papyra) : mend.other
}

export function countsLine({ pass, warn, fail, unknown }: CheckCounts): string {
  return `${pass} passed, ${warn} to look at, ${fail} failed, ${unknown} unknown`
}
