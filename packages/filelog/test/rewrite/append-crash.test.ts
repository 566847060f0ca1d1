import { describe, expect, test } from 'vitest'
import { everyCrash, memVfs, type MemVfs } from '../../src/testing/index.js'
import { create, facts, holds, LOG, SAMPLING, open, readAll } from './support.js'

/** Opens, appends in three calls, closes; says after each step what is acknowledged. */
async function appendSome(vfs: MemVfs, say: (acked: Map<number, string>) => void): Promise<void> {
  const store = await open(vfs)
  await store.begin()
  const acked = new Map<number, string>()
  for (let n = 1; n <= 7; n += 3) {
    const { firstSeq, lastSeq } = await store.append(facts(n, 3))
    for await (const { seq, json } of store.read({
      afterSeq: firstSeq - 1,
      beforeSeq: lastSeq + 1,
    })) {
      acked.set(seq, json)
    }
    say(new Map(acked))
  }
  await store.close()
}

describe('crashes while a log is written', () => {
  test('create: there is a whole store, or a new one can be made', async () => {
    const start = memVfs()
    await start.mkdir('/data')
    const report = await everyCrash(
      async (vfs, say) => {
        await create(vfs)
        say(true)
      },
      async (vfs, context) => {
        const there = (await vfs.stat(LOG)) !== null
        if (context.witness === true) expect(there).toBe(true)
        if (!there) await create(vfs)
        await holds(vfs, context, { acked: new Map() })
      },
      { ...SAMPLING, start },
    )
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(20)
  })

  test('open, append and close at level durable: nothing acknowledged is lost', async () => {
    const start = memVfs()
    await create(start)
    const report = await everyCrash(
      appendSome,
      (vfs, context) => holds(vfs, context, { acked: context.witness ?? new Map() }),
      { ...SAMPLING, start },
    )
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(100)
  })

  test('level flushed: a kill loses nothing, and a power cut leaves no damage but says what is not proven', async () => {
    const start = memVfs()
    await create(start)
    const report = await everyCrash<Map<number, string>>(
      async (vfs, say) => {
        const store = await open(vfs, { ack: 'flushed' })
        await store.begin()
        const acked = new Map<number, string>()
        for (let n = 1; n <= 4; n++) {
          await store.append(facts(n, 1))
          for (const { seq, json } of await readAll(store)) acked.set(seq, json)
          say(new Map(acked))
        }
        await store.close()
      },
      async (vfs, context) => {
        if (context.kind === 'kill')
          return holds(vfs, context, { acked: context.witness ?? new Map() })
        const store = await open(vfs)
        const scan = await store.scan()
        const last = Math.max(0, ...(context.witness?.keys() ?? []))
        const gone = last - (scan.lastSeq ?? 0)
        // What is gone was either never proven, or is reported as lost.
        if (gone > 0 && scan.unproven === null) expect(scan.consent.acceptLoss).toBe(true)
        const after = (await store.recover({ mode: 'repair', acceptLoss: true, force: true })).after
        expect(after?.anomalies).toEqual([])
        await store.close()
      },
      { ...SAMPLING, start },
    )
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(100)
  })
})
