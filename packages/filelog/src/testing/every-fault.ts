import type { Vfs } from '../vfs.js'
import { type Fault, type FaultCall, type FaultOp, faultVfs } from './fault-vfs.js'

export interface EveryFaultOptions {
  /** Only calls of these kinds fail. Default: all kinds. */
  readonly ops?: readonly FaultOp[]
  /** Only calls on these paths fail. Default: all. */
  readonly paths?: (path: string) => boolean
  /** What each chosen call does in turn. `short` faults are for writes only. */
  readonly faults: readonly Exclude<Fault, null>[]
  /** `once`: only the chosen call. `sticky`: all calls of its kind and path from then on too. */
  readonly modes?: readonly ('once' | 'sticky')[]
}

export interface FaultContext {
  /** The call that failed first. */
  readonly call: FaultCall
  readonly fault: Exclude<Fault, null>
  readonly mode: 'once' | 'sticky'
  readonly description: string
}

function fits(call: FaultCall, fault: Exclude<Fault, null>, options: EveryFaultOptions): boolean {
  if ('short' in fault && call.op !== 'write') return false
  if (options.ops !== undefined && !options.ops.includes(call.op)) return false
  return options.paths === undefined || options.paths(call.path)
}

/**
 * Runs a scenario again and again, each time on a new file system from `make`, and each time with one
 * more of its calls failing, until every call has failed once in every way. `run` gets the failing
 * file system and the sound one below it, to check afterwards what is there; it must expect failure.
 * Gives the number of runs. The first run, without a fault, finds the calls.
 */
export async function everyFault<V extends Vfs>(
  make: () => V | Promise<V>,
  run: (vfs: Vfs, sound: V, context: FaultContext | null) => Promise<void>,
  options: EveryFaultOptions,
): Promise<number> {
  const first = await make()
  const probe = faultVfs(first)
  await run(probe, first, null)
  let runs = 0
  for (const call of probe.calls) {
    for (const fault of options.faults) {
      if (!fits(call, fault, options)) continue
      for (const mode of options.modes ?? ['once', 'sticky']) {
        const sound = await make()
        const sticky = (c: FaultCall): boolean =>
          mode === 'sticky' && c.op === call.op && c.path === call.path && c.index > call.index
        const vfs = faultVfs(sound, (c) => (c.index === call.index || sticky(c) ? fault : null))
        const what = `${'short' in fault ? `short ${fault.short} ` : ''}${fault.error ?? ''}`
        const description = `${call.op} ${call.path} (call ${call.index}): ${what}, ${mode}`
        await run(vfs, sound, { call, fault, mode, description })
        runs++
      }
    }
  }
  return runs
}
