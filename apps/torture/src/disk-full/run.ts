import { KINDS, type StoreKind } from '../kinds.js'
import {
  canMake,
  type Disk,
  limitedDisk,
  mayLimit,
  memoryDisk,
  thinDisk,
  tmpfsDisk,
} from './disk.js'
import { intake } from './intake.js'
import { Probe } from './probe.js'
import {
  append,
  compact,
  failedSync,
  recover,
  rotate,
  type Outcome,
  type Scenario,
} from './scenarios.js'

const SCENARIOS: readonly Scenario[] = [append, rotate, compact, recover, intake]

export interface Sweep {
  readonly disk: string
  readonly kind: StoreKind
  readonly scenario: string
  readonly runs: number
  /** Runs in which the disk was in the way. */
  readonly met: number
  readonly wrong: readonly string[]
}

/** How far: every `step` units from none to `most` bytes. */
export interface Window {
  readonly most: number
  readonly step: number
}

/** One run on a disk of its own; what it throws is told like all that did not hold. */
async function once(
  scenario: Scenario,
  kind: StoreKind,
  disk: Disk,
  free: number,
): Promise<Outcome> {
  const { name, segmentBytes } = scenario
  const probe = new Probe(kind, disk, { name: name.replace(' ', '-'), segmentBytes })
  try {
    return await scenario.run(probe, free)
  } catch (error) {
    return { met: false, wrong: [...probe.wrong, `it ended with ${String(error)}`] }
  } finally {
    await disk.release()
    await probe.close().catch(() => undefined)
    await disk.dispose()
  }
}

type Run = readonly [Scenario, StoreKind, () => Promise<Disk>]

/** Runs a scenario with every amount of room in a window. */
async function sweep([scenario, kind, make]: Run, { most, step }: Window): Promise<Sweep> {
  let [runs, met, disk] = [0, 0, '']
  const wrong: string[] = []
  for (let free = 0; free <= most && wrong.length < 10; runs++) {
    const made = await make()
    disk = made.name
    const outcome = await once(scenario, kind, made, free)
    if (outcome.met) met++
    wrong.push(...outcome.wrong.map((what) => `with ${free} bytes free: ${what}`))
    free += step * made.unit
  }
  return { disk, kind, scenario: scenario.name, runs, met, wrong }
}

export interface DiskFullOptions {
  readonly kinds?: readonly StoreKind[]
  /** Of what has room by the byte; a step of 1 is every byte. */
  readonly memory: Window
  /** Of a real file system, in pages; `null` leaves it out. */
  readonly real: Window | null
}

export interface DiskFullReport {
  readonly sweeps: readonly Sweep[]
  /** On which real file systems it ran; empty where none can be mounted, or none was asked for. */
  readonly real: readonly string[]
}

/** The real disks that this machine lets us make. */
async function realDisks(): Promise<{ tmpfs: boolean; thin: boolean; limit: boolean }> {
  return {
    tmpfs: await canMake(() => tmpfsDisk(1024 * 1024)),
    thin: await canMake(thinDisk),
    limit: mayLimit(),
  }
}

/** Every scenario on every kind of store and disk. */
export async function diskFull(options: DiskFullOptions): Promise<DiskFullReport> {
  const { memory, real } = options
  const can = real === null ? { tmpfs: false, thin: false, limit: false } : await realDisks()
  const sweeps: Sweep[] = []
  for (const kind of options.kinds ?? KINDS) {
    for (const scenario of SCENARIOS) {
      if (kind === 'json' && scenario === rotate) continue
      sweeps.push(await sweep([scenario, kind, memoryDisk], memory))
      if (real !== null && can.tmpfs) sweeps.push(await sweep([scenario, kind, tmpfsDisk], real))
    }
    if (can.limit) sweeps.push(await sweep([append, kind, limitedDisk], memory))
    // One run: with no room at all below the device.
    if (can.thin) sweeps.push(await sweep([failedSync, kind, thinDisk], { most: 0, step: 1 }))
  }
  const on = sweeps.map(({ disk }) => disk).filter((disk) => !disk.startsWith('memory'))
  return { sweeps, real: [...new Set(on)] }
}

/** The whole of it, told on the console; false if something did not hold. */
export async function diskFullAndTell(options: DiskFullOptions): Promise<boolean> {
  const { sweeps, real } = await diskFull(options)
  for (const { disk, kind, scenario, runs, met, wrong } of sweeps) {
    console.log(
      `disk full, ${kind} ${scenario}: ${runs} amounts of room on a ${disk}, ` +
        `in the way ${met} times, ${wrong.length} failures`,
    )
    for (const what of wrong) console.error(`disk full, ${kind} ${scenario}: ${what}`)
  }
  console.log(whereSaid(real))
  return sweeps.every(({ wrong }) => wrong.length === 0)
}

/** On what it ran, for the summary. */
export function whereSaid(real: readonly string[]): string {
  if (real.length === 0) return 'full disks: in the memory file system only, none could be mounted'
  return `full disks: in the memory file system, and really on a ${real.join(', a ')}`
}
