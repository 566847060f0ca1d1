import type { LongOperation } from '@papyra/contracts'
import type { Args } from './args/args.js'
import type { CommandSpec } from './args/spec.js'
import type { Io } from './io.js'
import type { Output } from './output/output.js'
import { progressLine } from './output/progress.js'

/** What a command gets. */
export interface Context {
  readonly spec: CommandSpec
  readonly io: Io
  readonly out: Output
  readonly args: Args
}

/** Runs a long operation with the abort signal and, on a terminal, a progress line. */
export async function withProgress<T>(
  { io, out }: Context,
  work: (operation: LongOperation) => Promise<T>,
): Promise<T> {
  const line = progressLine(io, out.quiet)
  try {
    return await work({ signal: io.signal, onProgress: line.onProgress })
  } finally {
    await line.done()
  }
}
