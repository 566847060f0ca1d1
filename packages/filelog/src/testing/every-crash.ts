import type { CrashOptions } from './crash-states.js'
import { isSync, type MemOp } from './mem-machine.js'
import { type MemVfs, memVfs } from './mem-vfs.js'

export interface EveryCrashOptions extends CrashOptions {
  /** The machine to start from; it is copied. Default: an empty one. */
  readonly start?: MemVfs
  /** Syncs for which this says true are left out: a deliberately broken build. */
  readonly omit?: (op: MemOp) => boolean
  /** Stop after so many failed checks. Default 5. */
  readonly maxFailures?: number
}

export interface CrashContext<Witness> {
  /** A power cut, or only the death of all processes. */
  readonly kind: 'power' | 'kill'
  /** When, and what became of what was not synced; with the seed it can be had again. */
  readonly description: string
  /** What the scenario had said last. */
  readonly witness: Witness | undefined
}

export interface CrashReport {
  /** Moments looked at: before each operation, in the middle of each write, and at the end. */
  readonly moments: number
  /** Different states that were checked. */
  readonly states: number
  readonly ops: readonly MemOp[]
  readonly failures: readonly { readonly description: string; readonly error: unknown }[]
}

interface Moment<Witness> {
  readonly vfs: MemVfs
  readonly when: string
  readonly witness: Witness | undefined
}

/** Runs the scenario once and keeps a copy of the machine at every moment. */
async function record<Witness>(
  scenario: (vfs: MemVfs, say: (witness: Witness) => void) => Promise<void>,
  options: EveryCrashOptions,
): Promise<{ moments: Moment<Witness>[]; ops: MemOp[] }> {
  const vfs = options.start?.clone() ?? memVfs()
  const moments: Moment<Witness>[] = []
  const ops: MemOp[] = []
  let witness: Witness | undefined
  vfs.omit = options.omit
  vfs.onOp = (op, half) => {
    if (!half) ops.push(op)
    const when = `${half ? 'half-way through' : 'before'} ${op.name} ${op.path} (${op.index})`
    moments.push({ vfs: vfs.clone(), when, witness })
  }
  await scenario(vfs, (said) => {
    witness = said
  })
  vfs.onOp = undefined
  moments.push({ vfs: vfs.clone(), when: 'at the end', witness })
  return { moments, ops }
}

function* statesOf<Witness>(
  { vfs, when, witness }: Moment<Witness>,
  options: CrashOptions,
): Generator<{ vfs: MemVfs; context: CrashContext<Witness> }> {
  const killed = { kind: 'kill', description: `killed ${when}`, witness } as const
  yield { vfs: vfs.clone(), context: killed }
  for (const state of vfs.crashStates(options)) {
    const description = `power cut ${when}: ${state.description}`
    yield { vfs: state.vfs, context: { kind: 'power', description, witness } }
  }
}

/**
 * Runs a scenario on a memory file system and stops the machine at every moment: before each
 * operation, half-way through each write, and at the end; by killing its processes, and by a power
 * cut with every (or a sample of every) mixture of what was not synced. Each state that this leaves
 * is handed to `check`, on a machine of its own, with what the scenario had said (`say`) until then.
 * Checks that throw are reported, not thrown.
 */
export async function everyCrash<Witness>(
  scenario: (vfs: MemVfs, say: (witness: Witness) => void) => Promise<void>,
  check: (vfs: MemVfs, context: CrashContext<Witness>) => Promise<void>,
  options: EveryCrashOptions = {},
): Promise<CrashReport> {
  const { moments, ops } = await record(scenario, options)
  const failures: { description: string; error: unknown }[] = []
  const seen = new Map<Witness | undefined, Set<string>>()
  let states = 0
  for (const [i, moment] of moments.entries()) {
    const known = seen.get(moment.witness) ?? new Set()
    seen.set(moment.witness, known)
    const seed = (options.seed ?? 1) + i
    for (const { vfs, context } of statesOf(moment, { ...options, seed })) {
      const key = `${context.kind} ${vfs.fingerprint()}`
      if (known.has(key)) continue
      known.add(key)
      states++
      try {
        await check(vfs, context)
      } catch (error) {
        failures.push({ description: `${context.description} (seed ${seed})`, error })
        if (failures.length >= (options.maxFailures ?? 5)) {
          return { moments: moments.length, states, ops, failures }
        }
      }
    }
  }
  return { moments: moments.length, states, ops, failures }
}

/**
 * Runs `everyCrash` once for each sync of the scenario, with that one left out, and gives the syncs
 * whose absence no check noticed: each of them is either needless or not tested.
 */
export async function everyOmittedSync<Witness>(
  scenario: (vfs: MemVfs, say: (witness: Witness) => void) => Promise<void>,
  check: (vfs: MemVfs, context: CrashContext<Witness>) => Promise<void>,
  options: EveryCrashOptions = {},
): Promise<{ readonly syncs: number; readonly unnoticed: readonly MemOp[] }> {
  const { ops } = await record(scenario, options)
  const syncs = ops.filter(isSync)
  const unnoticed: MemOp[] = []
  for (const sync of syncs) {
    const omit = (op: MemOp): boolean => op.index === sync.index
    const report = await everyCrash(scenario, check, { ...options, omit, maxFailures: 1 })
    if (report.failures.length === 0) unnoticed.push(sync)
  }
  return { syncs: syncs.length, unnoticed }
}
