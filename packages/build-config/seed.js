// Property tests draw their cases from one seed, the same in every run: a change is judged by what
// it changes, not by luck. PAPYRA_SEED=<number> takes another one, PAPYRA_SEED=random a new one each
// time, as the nightly run does; fast-check prints the seed of a failure.
import fc from 'fast-check'

const DEFAULT_SEED = 20_261_125
const wanted = process.env.PAPYRA_SEED ?? String(DEFAULT_SEED)
const seed = wanted === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(wanted)
if (!Number.isSafeInteger(seed)) throw new Error(`PAPYRA_SEED is no whole number: ${wanted}`)

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed })
process.env.PAPYRA_CONFORMANCE_SEED ??= String(seed)
