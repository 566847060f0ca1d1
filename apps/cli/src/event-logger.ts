import { jsonLogger, type PapyraLogger } from '@papyra/core'
import type { Context } from './context.js'
import type { Store } from './store.js'

/** Where `--log-events` wants the acts of a command told; `undefined` without it. */
export function eventLogger(
  { args, io }: Context,
  { definition }: Pick<Store, 'definition'>,
): PapyraLogger | undefined {
  if (!args.flag('log-events')) return undefined
  const { name: backend, location } = definition
  return jsonLogger((line) => io.stderr.write(line), { clock: io.clock, backend, location })
}
