import { openPapyra } from '@papyra/core'
import { definitionOf } from '../kinds.js'
import type { Probe } from './probe.js'
import type { Outcome, Scenario } from './scenarios.js'

/** Hands so many facts in, one after the other, each small enough for one page. */
const FACTS = 40

/**
 * A service whose runtime hands facts in while the disk is full: nothing throws, and in the end
 * accepted = written + dropped, written = stored, dropped = counted.
 */
async function feeding(probe: Probe, free: number): Promise<Outcome> {
  const { disk, kind, path, clock, wrong, segmentBytes } = probe
  const backend = definitionOf(kind, path, { vfs: disk.vfs, clock, segmentBytes })
  let told = 0
  const papyra = await openPapyra({
    systemId: 'torture',
    backend,
    clock,
    environment: 'test',
    create: 'if-missing',
    intake: { batch: 3 },
    hooks: { onDrop: ({ records }) => (told += records) },
  })
  const feed = async (from: number, pad: number): Promise<void> => {
    for (let n = from; n < from + FACTS; n++) {
      papyra.intake.event({ type: 't', payload: { n, pad: 'x'.repeat(pad) } })
      clock.advance(50)
    }
    await papyra.intake.flush()
  }
  await feed(0, 10)
  await disk.fill(free)
  await feed(FACTS, 300)
  const full = papyra.intake.stats().dropped.store_failed
  await disk.release()
  clock.advance(5000)
  await feed(2 * FACTS, 100)
  const { accepted, written, waiting, dropped } = papyra.intake.stats()
  if (accepted !== 3 * FACTS) wrong.push(`only ${accepted} facts were accepted`)
  if (accepted !== written + dropped.store_failed || waiting !== 0) {
    wrong.push(`${accepted} accepted, ${written} written, ${dropped.store_failed} dropped`)
  }
  if (dropped.store_failed !== full) wrong.push('facts were dropped although there was room')
  if (told !== dropped.store_failed) wrong.push(`${told} drops were told of`)
  await papyra.close()
  await probe.open()
  await probe.isClean()
  let stored = 0
  for await (const _ of probe.store.read()) stored++
  if (stored !== written) wrong.push(`${stored} are stored, ${written} were written`)
  return { met: full > 0, wrong }
}

export const intake: Scenario = { name: 'intake', segmentBytes: 4000, run: feeding }
