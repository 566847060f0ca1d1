import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import type { AckLevel, BeginOptions } from '@papyra/contracts'
import { memVfs, type CrashContext, type MemVfs } from '../../src/testing/index.js'
import { isMarked, missesEachSync, says, settled, survives, type Early } from './omitted-syncs.js'
import { bySeq, create, fact, facts, filled, holds, LOG, open, readAll } from './support.js'

const OWNED_ALREADY: Early = {
  sync: 'syncDir behind rename shop.ndjson.meta.json',
  why: 'the killed owner had announced itself, and what it said is still true',
}

describe('create: each sync left out in turn is missed', () => {
  test('in a folder that is made too', async () => {
    await missesEachSync<true>(
      memVfs(),
      async (vfs, say) => {
        await create(vfs)
        say(true)
      },
      async (vfs, context) => {
        const there = (await vfs.stat(LOG)) !== null
        if (context.witness === true) {
          expect(there).toBe(true)
          await says(vfs, 'closed')
        }
        if (!there) await create(vfs)
        await holds(vfs, context, { acked: new Map() })
      },
      [
        {
          sync: 'syncDir behind rename shop.ndjson.meta.json',
          why: 'the folder is synced again behind the mark, before the log gets its name',
        },
      ],
    )
  })
})

interface Left {
  readonly start: MemVfs
  /** Of what the killed owner acknowledged, what it had promised to survive a power cut. */
  readonly durable: ReadonlyMap<number, string>
  readonly acked: ReadonlyMap<number, string>
}

/** A store as an owner leaves it that was killed when it had appended five records. */
async function killed(ack: AckLevel): Promise<Left> {
  const vfs = memVfs()
  const before = bySeq(await filled(vfs, 4))
  const store = await open(vfs, { ack })
  await store.begin()
  await store.append(facts(5, 3))
  await store.append(facts(8, 2))
  const acked = bySeq(await readAll(store))
  const start = await settled(vfs)
  await store.close()
  return { start, durable: ack === 'durable' ? acked : before, acked }
}

interface Said {
  readonly acked: ReadonlyMap<number, string>
  /** The last number that `begin` took over. */
  readonly marked: number
}

/** Begins, appends once, is killed. */
function beginning(options: BeginOptions = {}) {
  return async (vfs: MemVfs, say: (said: Said) => void): Promise<void> => {
    const store = await open(vfs)
    const marked = (await store.begin(options)).nextSeq - 1
    say({ acked: bySeq(await readAll(store)), marked })
    await store.append([fact(100)])
    say({ acked: bySeq(await readAll(store)), marked })
    vfs.kill()
  }
}

async function keeps(vfs: MemVfs, context: CrashContext<Said>, left: Left): Promise<void> {
  const { witness, kind } = context
  if (witness === undefined && kind === 'power') return survives(vfs, context, left.durable)
  if (witness !== undefined) {
    await says(vfs, 'owned')
    await isMarked(vfs, witness.marked)
  }
  await holds(vfs, context, { acked: witness?.acked ?? left.acked })
}

describe('begin: each sync left out in turn is missed', () => {
  test('behind an owner of level durable that was killed', async () => {
    const left = await killed('durable')
    await missesEachSync<Said>(
      left.start,
      beginning(),
      (vfs, context) => keeps(vfs, context, left),
      [
        { sync: 'datasync shop.ndjson', why: 'the killed owner had synced each record' },
        OWNED_ALREADY,
      ],
    )
  })

  test('behind an owner of level flushed that was killed', async () => {
    const left = await killed('flushed')
    await missesEachSync<Said>(
      left.start,
      beginning(),
      (vfs, context) => keeps(vfs, context, left),
      [OWNED_ALREADY],
    )
  })

  test('and sets an unfinished tail aside', async () => {
    const left = await killed('durable')
    const { start } = left
    const tail = Buffer.from('{"seq":10,"kind":"event","timestamp":17040')
    start.put(LOG, Buffer.concat([start.bytes(LOG), tail]))
    await missesEachSync<Said>(
      start,
      beginning({ onDamage: 'set_tail_aside' }),
      async (vfs, context) => {
        await keeps(vfs, context, left)
        const names = (await vfs.readdir('/data')).filter((name) => name.endsWith('.removed'))
        expect(names.some((name) => vfs.bytes(`/data/${name}`).includes(tail))).toBe(true)
      },
      [
        { sync: 'sync shop.ndjson', why: 'of the cut: the next sync of the log covers it' },
        { sync: 'datasync shop.ndjson', why: 'the sync of the cut came just before' },
        OWNED_ALREADY,
      ],
    )
  })
})
