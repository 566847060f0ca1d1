import { Buffer } from 'node:buffer'
import { manualClock, PapyraError } from '@papyra/contracts'
import { describe, expect, it } from 'vitest'
import { paced, Pacer } from '../../src/scan/pacer.js'
import { memVfs } from '../../src/testing/index.js'

function clocked(bytesPerSecond: number): { pacer: Pacer; waited: () => number } {
  const clock = manualClock()
  let waited = 0
  const wait = async (ms: number): Promise<void> => {
    waited += ms
    clock.advance(ms)
  }
  return { pacer: new Pacer(bytesPerSecond, { clock, wait }), waited: () => waited }
}

describe('a pacer', () => {
  it('makes reads and writes take the time that their bytes are worth', async () => {
    const { pacer, waited } = clocked(1000)
    const vfs = memVfs()
    const file = paced(await vfs.open('/log', 'create'), pacer)
    const bytes = Buffer.alloc(100)
    for (let at = 0; at < 1000; at += 100) await file.write(bytes, 0, 100, at)
    for (let at = 0; at < 1000; at += 100) await file.read(bytes, 0, 100, at)
    await pacer.turn()
    expect(waited()).toBeGreaterThan(1880)
    expect(waited()).toBeLessThanOrEqual(2000)
  })

  it('takes nothing for what is within the limit', async () => {
    const { pacer, waited } = clocked(1_000_000)
    for (let i = 0; i < 9; i++) {
      pacer.count(1000)
      await pacer.turn()
    }
    expect(waited()).toBe(0)
  })

  it('stops waiting when it is called off', async () => {
    const clock = manualClock()
    const pacer = new Pacer(1, { clock })
    pacer.count(1_000_000)
    const stop = new AbortController()
    const waiting = pacer.turn(stop.signal)
    stop.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' })
  })

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses %s bytes a second', (rate) => {
    expect(() => new Pacer(rate)).toThrow(PapyraError)
  })
})
