import type { CommandSpec } from './args/spec.js'
import type { Context } from './context.js'

/** What a command does; loaded only when it is asked for. Resolves to the exit code. */
export interface CommandBody {
  run(context: Context): Promise<number>
}

/** One command: its data, and how to get what it does. */
export interface Command extends CommandSpec {
  load(): Promise<CommandBody>
}
