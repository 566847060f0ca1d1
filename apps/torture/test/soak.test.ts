import { bundleForNode } from '@papyra/build-config/bundle'
import { beforeAll, expect, test } from 'vitest'
import { killLoop } from '../src/kill-loop.js'
import { KINDS } from '../src/kinds.js'
import { soak } from '../src/soak/run.js'

let program: string

beforeAll(async () => {
  program = await bundleForNode(new URL('../src/main.ts', import.meta.url))
})

test.each(KINDS)(
  '%s: one of four writers gets in, and keeps all that it was promised',
  async (kind) => {
    const report = await soak({ kind, program, seconds: 3, keep: 2000 })
    expect(report.wrong).toEqual([])
    expect(report.refused).toHaveLength(3)
    expect(report.looked).toBe(Math.min(2000, report.written))
    expect(report.followed.seen).toBeGreaterThan(0)
  },
)

test.each(KINDS)('%s: kills at random moments lose nothing that was acknowledged', async (kind) => {
  const { failures } = await killLoop({ kind, rounds: 6, program, seed: 1 })
  expect(failures).toEqual([])
})
