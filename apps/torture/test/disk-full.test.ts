import { expect, test } from 'vitest'
import { diskFull, type Sweep, whereSaid } from '../src/disk-full/run.js'
import { KINDS } from '../src/kinds.js'

// Some dozens of stores, each on a disk of its own, on machines that do other things too.
const TIMEOUT = { timeout: 900_000 }

function said({ disk, kind, scenario, wrong }: Sweep): string[] {
  return wrong.map((what) => `${kind} ${scenario} on a ${disk}: ${what}`)
}

test.each(KINDS)(
  '%s: a disk that fills up costs what is refused and counted, and nothing else',
  TIMEOUT,
  async (kind) => {
    const report = await diskFull({
      kinds: [kind],
      memory: { most: 3500, step: 349 },
      real: { most: 40_960, step: 2 },
    })
    console.log(`${kind}, ${whereSaid(report.real)}`)
    expect(report.sweeps.flatMap(said)).toEqual([])
    for (const { scenario, disk, runs, met } of report.sweeps) {
      console.log(`  ${scenario} on a ${disk}: in the way in ${met} of ${runs} runs`)
      expect(met, `${scenario} on a ${disk}`).toBeGreaterThan(0)
    }
  },
)
