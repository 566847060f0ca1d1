import type { AppendFact, Backend, ManualClock, RetentionPolicy } from '@papyra/contracts'
import type { MemVfs, Random } from '@papyra/filelog/testing'
import { rotationBackend } from '../src/index.js'

export const DIR = '/data/shop'

export function fact(kind: AppendFact['kind'], timestamp: number): AppendFact {
  const members = '"system_id":"shop","actor_address":null,"event_type":"t","payload":{}'
  return { kind, timestamp, members }
}

export interface Place {
  readonly vfs: MemVfs
  readonly clock: ManualClock
  readonly dir?: string
}

/** Segments of at most five records. */
export function definition({ vfs, clock, dir = DIR }: Place): ReturnType<typeof rotationBackend> {
  return rotationBackend({ dir, vfs, clock, segment: { maxRecords: 5 } })
}

export function open(place: Place, access: 'read' | 'write' = 'write'): Promise<Backend> {
  return definition(place).open({ access, waitLockMs: 0 })
}

/** A store with so many events, a second apart, the last one now. */
export async function filled(place: Place, count: number): Promise<Backend> {
  await definition(place).create?.()
  const store = await open(place)
  await store.begin()
  await grow(place, store, count)
  return store
}

export async function grow({ clock }: Place, store: Backend, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    clock.advance(1000)
    await store.append([fact('event', clock.now())])
  }
}

export async function seqs(store: Backend): Promise<number[]> {
  const all: number[] = []
  for await (const { seq } of store.read()) all.push(seq)
  return all
}

const KINDS = ['event', 'event', 'audit', 'dead_letter'] as const

/** Facts of all kinds and of times of every sort: most of them close together, some without. */
export function randomFacts(random: Random, now: number, count: number): AppendFact[] {
  return Array.from({ length: count }, () => {
    const kind = random.pick(KINDS)
    if (random.below(12) === 0) return fact(kind, random.pick([0, 12_345, now + 61_000]))
    return fact(kind, now - random.below(20) * 1000)
  })
}

function randomLimits(random: Random): RetentionPolicy {
  return {
    ...(random.below(3) === 0 && { maxAgeSeconds: 1 + random.below(30) }),
    ...(random.below(3) === 0 && { maxRecords: 1 + random.below(30) }),
    ...(random.below(4) === 0 && { maxTotalBytes: 200 + random.below(4000) }),
  }
}

export function randomPolicy(random: Random): RetentionPolicy {
  if (random.below(2) === 0) return randomLimits(random)
  const perKind = { event: randomLimits(random), dead_letter: randomLimits(random) }
  return { ...randomLimits(random), perKind }
}
