// What is in a store, record by record, found out by reading it and by nothing else.
import { createHash } from 'node:crypto'
import type { BackendDefinition, RecoveryReport, SeqRange } from '@papyra/contracts'

/** A digest of each record by its number. */
export type Records = ReadonlyMap<number, string>

/** Reads every record. Damage is passed over, so that what is left can be held against what was. */
export async function readRecords(definition: BackendDefinition): Promise<Records> {
  const backend = await definition.open({ access: 'read', create: 'never' })
  try {
    const records = new Map<number, string>()
    for await (const { seq, json } of backend.read({ onDamage: () => undefined })) {
      records.set(seq, digestOf(json))
    }
    return records
  } finally {
    await backend.close()
  }
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64').slice(0, 22)
}

/** The numbers of what is gone, and of what is not as it was or was never there. */
export interface Difference {
  readonly lost: readonly number[]
  readonly changed: readonly number[]
}

export function compareRecords(before: Records, after: Records): Difference {
  return {
    lost: [...before.keys()].filter((seq) => !after.has(seq)),
    changed: [...after].filter(([seq, digest]) => before.get(seq) !== digest).map(([seq]) => seq),
  }
}

/** True if the losses that a recovery tells are just these: each number in a range, and as many. */
export function explains(
  { losses }: Pick<RecoveryReport, 'losses'>,
  lost: readonly number[],
): boolean {
  const told = losses.reduce((sum, { records }) => sum + records, 0)
  const ranges = losses.flatMap(({ seq }) => (seq === null ? [] : [seq]))
  return told === lost.length && lost.every((seq) => ranges.some((range) => within(range, seq)))
}

const within = ({ first, last }: SeqRange, seq: number): boolean => seq >= first && seq <= last

/** `3 to 9, 12`, at most five ranges. */
export function numbersText(numbers: readonly number[]): string {
  const ranges: { first: number; last: number }[] = []
  for (const seq of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last !== undefined && last.last === seq - 1) last.last = seq
    else ranges.push({ first: seq, last: seq })
  }
  const texts = ranges.map(({ first, last }) =>
    first === last ? `${first}` : `${first} to ${last}`,
  )
  const more = texts.length > 5 ? `, and ${texts.length - 5} more ranges` : ''
  return texts.length === 0 ? 'none' : texts.slice(0, 5).join(', ') + more
}
