import type { MemDisk } from './mem-disk.js'

/** The operations that change or sync something. */
export type MemOpName =
  | 'create'
  | 'write'
  | 'truncate'
  | 'datasync'
  | 'sync'
  | 'syncDir'
  | 'rename'
  | 'unlink'
  | 'mkdir'
  | 'link'
  | 'chmod'
  | 'chown'

/** One operation that changes or syncs something, counted over the machine from 0. */
export interface MemOp {
  readonly index: number
  readonly name: MemOpName
  readonly path: string
}

export interface MemVfsOptions {
  /** Seeds `randomHex`. Default 1. */
  readonly seed?: number
  /** Syncs for which this says true report success and do nothing: a deliberately broken build. */
  readonly omit?: (op: MemOp) => boolean
  /**
   * Called before each operation takes effect, and for writes that may be torn by the death of their
   * process once more when half of the bytes are written (`half`). What it throws, the operation
   * throws. A write of one whole sector of 512 bytes is not torn by that.
   */
  readonly onOp?: (op: MemOp, half: boolean) => void
}

/** What all processes of one machine share. */
export interface Machine {
  readonly disk: MemDisk
  omit: ((op: MemOp) => boolean) | undefined
  onOp: ((op: MemOp, half: boolean) => void) | undefined
  ops: number
}

/** Counts an operation; false if it is to be left out. `half` gives a look at half of a write. */
export function countOp(
  machine: Machine,
  name: MemOpName,
  path: string,
  half?: { apply(): void; undo(): void },
): boolean {
  const op: MemOp = { index: machine.ops++, name, path }
  machine.onOp?.(op, false)
  if (half !== undefined && machine.onOp !== undefined) {
    half.apply()
    machine.onOp(op, true)
    half.undo()
  }
  return !(isSync(op) && machine.omit?.(op) === true)
}

/** True if the operation is one that only makes durable. */
export function isSync(op: MemOp): boolean {
  return op.name === 'datasync' || op.name === 'sync' || op.name === 'syncDir'
}
