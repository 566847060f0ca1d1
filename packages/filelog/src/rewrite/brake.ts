import { Pacer, type PacerOptions } from '../scan/pacer.js'

/** A pacer that can be let go of, for a part of the work that others wait for. */
export class Brake extends Pacer {
  #released: boolean = false

  /** From now on nothing waits any more. */
  release(): void {
    this.#released = true
  }

  override turn(signal?: AbortSignal): Promise<void> {
    return this.#released ? Promise.resolve() : super.turn(signal)
  }
}

/** A brake if a limit is asked for; `invalid_argument` unless that is a positive finite number. */
export function brakeOf(
  bytesPerSecond: number | undefined,
  options: PacerOptions = {},
): Brake | undefined {
  return bytesPerSecond === undefined ? undefined : new Brake(bytesPerSecond, options)
}
