import { isPapyraError } from '@papyra/contracts'
import { sizedFact } from '../facts.js'
import { damage } from './damage.js'
import type { Probe } from './probe.js'

/** What one run on a disk with little room came to. */
export interface Outcome {
  /** True if the disk really got in the way. */
  readonly met: boolean
  readonly wrong: readonly string[]
}

/** One way in which a disk fills up, with so much room left. */
export interface Scenario {
  readonly name: string
  readonly segmentBytes: number
  run(probe: Probe, free: number): Promise<Outcome>
}

/** Of one fact; its line is about a hundred bytes longer. */
const SIZE = 150
/** So small that about five facts fill a segment. */
const SEGMENT = 1500

/** Appends go on while the disk fills up, and by themselves once there is room again. */
async function appending(probe: Probe, free: number): Promise<Outcome> {
  const { disk } = probe
  await probe.open()
  await probe.store.begin()
  await probe.appendMany(4, SIZE, true)
  await disk.fill(free)
  await probe.appendMany(12, SIZE)
  const met = probe.refused > 0
  // The service lives: it can be asked and read.
  await probe.holdsAll()
  await probe.counts({ writeErrors: probe.refused, recordsWritten: probe.stored.size })
  await disk.release()
  probe.clock.advance(5000)
  await probe.appendMany(8, SIZE, true)
  await probe.holdsAll()
  await probe.isClean()
  const { rotationErrors } = (await probe.store.describe()).metrics.totals
  await probe.close()
  await probe.open()
  await probe.isClean()
  await probe.holdsAll()
  await probe.counts({ writeErrors: probe.refused, recordsWritten: probe.stored.size })
  return { met: met || rotationErrors > 0, wrong: probe.wrong }
}

export const append: Scenario = { name: 'append', segmentBytes: 1_000_000, run: appending }
export const rotate: Scenario = { name: 'rotate', segmentBytes: SEGMENT, run: appending }

/** A compaction beside appends meets the end of the disk, and is run again when there is room. */
async function compacting(probe: Probe, free: number): Promise<Outcome> {
  const { disk } = probe
  await probe.open()
  await probe.store.begin()
  await probe.appendMany(24, SIZE, true)
  await disk.fill(free)
  const policy = { maxRecords: 12 }
  const running = probe.attempt('a compaction', () => probe.store.compact({ policy }))
  await probe.appendMany(3, SIZE)
  const failed = await running
  const met = failed !== null || probe.refused > 0
  const last = Math.max(...probe.stored.keys())
  await probe.holdsAll(last - 11, 'some')
  await disk.release()
  probe.clock.advance(5000)
  await probe.appendMany(2, SIZE, true)
  const again = await probe.store.compact({ policy })
  if (again.verified === false) probe.wrong.push('the second compaction was not verified')
  if (again.records.after !== 12) probe.wrong.push(`${again.records.after} records were kept`)
  await probe.counts({ writeErrors: probe.refused, compactionErrors: failed === null ? 0 : 1 })
  await probe.close()
  await probe.open()
  await probe.isClean()
  await probe.holdsAll(last + 2 - 11, 'some')
  return { met, wrong: probe.wrong }
}

/** A recovery meets the end of the disk, and is run again when there is room. */
async function recovering(probe: Probe, free: number): Promise<Outcome> {
  const { disk } = probe
  await probe.open()
  await probe.store.begin()
  await probe.appendMany(12, SIZE, true)
  await probe.close()
  const damaged = await damage(probe.kind, disk, probe.path, 3)
  probe.stored.delete(3)
  await disk.fill(free)
  await probe.open()
  const recovery = { mode: 'repair', acceptLoss: true } as const
  const failed = await probe.attempt('a recovery', () => probe.store.recover(recovery))
  await probe.attempt('a close', () => probe.close())
  await disk.release()
  await probe.open()
  const report = await probe.store.recover(recovery)
  if (failed === null && report.changed) probe.wrong.push('a second recovery changed something')
  if (report.after?.clean !== true) probe.wrong.push('it is not clean after the recovery')
  if (!(await damaged.isKept())) probe.wrong.push('what was taken out is gone')
  await probe.holdsAll()
  await probe.store.begin()
  await probe.append(SIZE, true)
  await probe.close()
  await probe.open()
  await probe.isClean()
  await probe.holdsAll()
  return { met: failed !== null, wrong: probe.wrong }
}

/**
 * A sync fails: from then on nothing is taken, whatever the device says later, until the store is
 * opened again, through the gate; then all that was acknowledged is there.
 */
async function failingSync(probe: Probe): Promise<Outcome> {
  const { disk } = probe
  await probe.open()
  await probe.store.begin()
  await probe.appendMany(4, SIZE, true)
  await disk.fill(0)
  const codes: string[] = []
  const tryOne = async (size: number): Promise<void> => {
    const [code] = await Promise.allSettled([probe.store.append([sizedFact(9000, size)])])
    if (code.status === 'fulfilled') {
      codes.push('stored')
      probe.stored.set(code.value.firstSeq, 9000)
    } else codes.push(isPapyraError(code.reason) ? code.reason.code : String(code.reason))
  }
  // Until what the device still holds for itself is used up.
  for (let i = 0; i < 200 && codes.at(-1) !== 'writer_latched'; i++) await tryOne(200_000)
  const first = codes.indexOf('writer_latched')
  await disk.release()
  for (let i = 0; i < 3; i++) await tryOne(10)
  if (codes.slice(first).some((code) => code !== 'writer_latched')) {
    probe.wrong.push(`after a failed sync appends ended with ${codes.slice(first).join(', ')}`)
  }
  await probe.attempt('a close', () => probe.close())
  await disk.remount?.()
  await probe.open()
  const scan = await probe.store.scan()
  if (scan.consent.acceptLoss) probe.wrong.push('something acknowledged is reported as lost')
  if (!scan.clean) await probe.store.recover({ mode: 'repair' })
  await probe.store.begin()
  await probe.appendMany(3, SIZE, true)
  await probe.isClean()
  await probe.holdsAll(1, 'some')
  return { met: first >= 0, wrong: probe.wrong }
}

export const compact: Scenario = { name: 'compact', segmentBytes: SEGMENT, run: compacting }
export const recover: Scenario = { name: 'recover', segmentBytes: SEGMENT, run: recovering }
export const failedSync: Scenario = {
  name: 'failed sync',
  segmentBytes: 65_536,
  run: failingSync,
}
