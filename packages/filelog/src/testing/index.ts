export { isSync, type MemOp, type MemOpName, type MemVfsOptions } from './mem-machine.js'
export { MemVfs, memVfs, type CrashState } from './mem-vfs.js'
export type { CrashOptions } from './crash-states.js'
export {
  everyCrash,
  everyOmittedSync,
  type CrashContext,
  type CrashReport,
  type EveryCrashOptions,
} from './every-crash.js'
export {
  faultVfs,
  type Fault,
  type FaultCall,
  type FaultOp,
  type FaultRule,
  type FaultVfs,
} from './fault-vfs.js'
export { everyFault, type EveryFaultOptions, type FaultContext } from './every-fault.js'
export { Random } from './random.js'
export {
  cutAt,
  deleteLine,
  deleteRange,
  duplicateLine,
  duplicateRange,
  flipBit,
  insertAt,
  lineRanges,
  swapLines,
  swapRanges,
  zeroRange,
} from './corrupt.js'
