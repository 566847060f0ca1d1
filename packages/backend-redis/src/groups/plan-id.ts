import { crc32 } from 'node:zlib'
import { PapyraError, type GroupAct } from '@papyra/contracts'

/** All that has to be as it was when the plan was made. */
export interface GroupPlanKey {
  /** The id of the log. */
  readonly store: string
  readonly act: GroupAct
  readonly at: number
  /** What was pending: how many, and a checksum over numbers, consumers and deliveries. */
  readonly pending: number
  readonly digest: string
  /** The last id that was delivered. */
  readonly lastDelivered: string
}

const PREFIX = 'g1.'

/** The key as one word for a command line; the same key gives the same word. */
export function encodeGroupPlan(key: GroupPlanKey): string {
  const { store, act, at, pending, digest, lastDelivered } = key
  const body = JSON.stringify([store, at, pending, digest, lastDelivered, act])
  return `${PREFIX}${Buffer.from(body).toString('base64url')}.${sumOf(body)}`
}

/** Reads such a word. Throws `invalid_argument` if it is none, was cut or mistyped. */
export function decodeGroupPlan(word: string): GroupPlanKey {
  const found = /^g1\.([A-Za-z0-9_-]+)\.([0-9a-f]{8})$/.exec(word)
  const body = Buffer.from(found?.[1] ?? '', 'base64url').toString()
  if (found === null || sumOf(body) !== found[2]) throw refuse()
  try {
    return keyOf(JSON.parse(body))
  } catch {
    throw refuse()
  }
}

function keyOf(value: unknown): GroupPlanKey {
  const [store, at, pending, digest, lastDelivered, act] = value as [
    string,
    number,
    number,
    string,
    string,
    GroupAct,
  ]
  const texts = [store, digest, lastDelivered, act.kind, act.group, act.what]
  if (!texts.every((one) => typeof one === 'string')) throw refuse()
  return { store, at, pending, digest, lastDelivered, act }
}

function sumOf(body: string): string {
  return crc32(body).toString(16).padStart(8, '0')
}

function refuse(): PapyraError {
  const text = 'This is not the id of a plan for a group: it was cut short or mistyped, or is none.'
  return new PapyraError('invalid_argument', text, {
    hint: 'Copy the whole id that the plan printed, or make a new one.',
  })
}
