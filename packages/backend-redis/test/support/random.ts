/** A reproducible source of random numbers; its seed is printed, and set by PAPYRA_SEED. */
export interface Random {
  readonly seed: number
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number
}

export function random(): Random {
  const given = Number(process.env['PAPYRA_SEED'] ?? Number.NaN)
  const seed = Number.isSafeInteger(given) ? given : Math.floor(Math.random() * 0x7fffffff)
  console.info(`seed ${seed} (PAPYRA_SEED=${seed} repeats it)`)
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  return { seed, below: (limit) => Math.floor(next() * limit) }
}
