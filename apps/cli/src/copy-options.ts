import { PapyraError } from '@papyra/contracts'
import type { DrillOptions } from '@papyra/doctor'
import { absolutePath } from './config/paths.js'
import type { Context } from './context.js'

/** Where copies of a store are made, and how large they may be. */
export function copyOptions({ args, io }: Context): Pick<DrillOptions, 'dir' | 'sampleBytes'> {
  const sample = args.bytes('sample')
  if (args.flag('full') && sample !== undefined) {
    throw new PapyraError('invalid_argument', '--full and --sample exclude each other.')
  }
  const dir = args.text('dir')
  return {
    ...(args.flag('full') ? { sampleBytes: Number.POSITIVE_INFINITY } : {}),
    ...(sample === undefined ? {} : { sampleBytes: sample }),
    ...(dir === undefined ? {} : { dir: absolutePath(io.cwd, dir) }),
  }
}
