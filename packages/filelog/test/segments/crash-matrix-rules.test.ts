// What the protocol of segments refuses, and how it lives with failing calls: each rule by itself,
// small and deterministic. Mutants of the rules have to fail here.
import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { manualClock } from '@papyra/contracts'
import { openSegmentStore, type SegmentsPlan, type SegmentStore } from '../../src/index.js'
import { hex8, seedOf } from '../../src/format/checksum.js'
import { encodeHead } from '../../src/format/head.js'
import { encodeManifest } from '../../src/segments/manifest.js'
import { ManifestKeeper } from '../../src/segments/manifest-file.js'
import { manifestPath, segmentPath } from '../../src/segments/names.js'
import {
  deleteLine,
  faultVfs,
  flipBit,
  memVfs,
  type FaultCall,
  type FaultVfs,
  type MemVfs,
} from '../../src/testing/index.js'
import { lineOf } from '../rewrite/damage.js'
import { declareLoaded } from '../mutants/mutant-loaded.js'
import { appendAll, made, segmentsIn, THREE } from './crash-matrix.js'
import { compactTo } from './compact-support.js'
import {
  create,
  DIR,
  facts,
  holds,
  manifestOf,
  open,
  readAll,
  storedAs,
  strictly,
} from './support.js'

const MANIFEST = manifestPath(DIR)
const KILL = { kind: 'kill', description: '', witness: undefined } as const

declareLoaded()

/** The path of the segment that begins with a number. */
function at(vfs: MemVfs, firstSeq: number): string {
  const { segments, active } = manifestOf(vfs)
  const found = [...segments, active].find((one) => one.firstSeq === firstSeq)
  if (found === undefined) throw new Error(`no segment begins with ${firstSeq}`)
  return segmentPath(DIR, found)
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  )

interface Service {
  readonly sound: MemVfs
  readonly vfs: FaultVfs
  readonly store: SegmentStore
  readonly clock: ReturnType<typeof manualClock>
}

/** A store with three records in its first segment: the next append rotates. */
async function onTheVerge(ack: 'flushed' | 'durable' = 'durable'): Promise<Service> {
  const sound = memVfs()
  await create(sound)
  const vfs = faultVfs(sound)
  const clock = manualClock()
  const base = { backend: 'rotation', access: 'write', waitLockMs: 0, ...THREE, ack } as const
  const store = await openSegmentStore(vfs, DIR, { ...base, clock })
  await store.begin()
  await store.append(facts(1, 3))
  return { sound, vfs, store, clock }
}

describe('a rotation', () => {
  const isOld = ({ path }: FaultCall): boolean => path.endsWith('1-00000001.ndjson')
  const isNew = ({ path }: FaultCall): boolean => path.includes('0000000000000004-')

  test.each<[string, (call: FaultCall) => boolean, number]>([
    // The record that comes next goes into the same file.
    ['the block mark cannot be written', (c) => c.op === 'write' && isOld(c), 1],
    ['the new file cannot be synced', (c) => c.op === 'sync' && isNew(c), 99],
    ['the new mark cannot be renamed', (c) => c.op === 'rename' && isNew(c), 99],
    ['the manifest cannot be synced', (c) => c.op === 'sync' && c.path.includes('manifest'), 99],
    ['the manifest cannot be renamed', (c) => c.op === 'rename' && c.path === MANIFEST, 99],
  ])('%s: the segment goes on, and a second later it works', async (_, fails, times) => {
    const { sound, vfs, store, clock } = await onTheVerge()
    let attempts = 0
    vfs.rule = (call) => (fails(call) && attempts++ < times ? { error: 'ENOSPC' } : null)
    for (let n = 4; n <= 6; n++) await store.append(facts(n, 1))
    if (times > 1) expect(attempts, 'attempts within a second').toBe(1)
    expect(manifestOf(sound).segments).toEqual([])
    expect(await segmentsIn(sound)).toHaveLength(1)
    const { totals } = (await store.describe()).metrics
    expect(totals).toMatchObject({ rotationErrors: 1, rotations: 0 })
    vfs.rule = () => null
    clock.advance(1000)
    await store.append(facts(7, 3))
    expect(manifestOf(sound).segments).toMatchObject([{ firstSeq: 1, lastSeq: 6, records: 6 }])
    await store.append(facts(10, 1))
    await store.close()
    const { records, unnamed } = await strictly(sound)
    expect([[...records.keys()].at(-1), records.size, unnamed]).toEqual([10, 10, []])
    await holds(sound.clone(), KILL, { acked: records }, THREE)
  })

  test('what a failed one could not remove does not stand in the way of the next', async () => {
    const { sound, vfs, store, clock } = await onTheVerge()
    const next = segmentPath(DIR, { firstSeq: 4, generation: 1 })
    // The append that asks for it is too large for what is left of the disk, so its number comes again.
    vfs.rule = (call) =>
      call.op === 'write' && isOld(call)
        ? { error: 'ENOSPC' }
        : call.op === 'unlink' || (call.op === 'rename' && call.path === MANIFEST)
          ? { error: 'EIO' }
          : null
    expect(await codeOf(store.append(facts(4, 3)))).toBe('write_failed')
    vfs.rule = () => null
    sound.put(next, 'left over')
    sound.put(`${next}.mark`, 'left over')
    clock.advance(1000)
    await store.append(facts(4, 1))
    expect(manifestOf(sound).segments).toMatchObject([{ firstSeq: 1, lastSeq: 3 }])
    await store.close()
    expect((await strictly(sound)).unnamed).toEqual([])
  })

  test('never takes the name of a file that holds records', async () => {
    const { sound, store } = await onTheVerge()
    const next = segmentPath(DIR, { firstSeq: 4, generation: 1 })
    const others = segmentWith(sound, 4)
    sound.put(next, others)
    await store.append(facts(4, 1))
    expect(sound.bytes(next).toString()).toBe(others)
    expect(manifestOf(sound).segments).toEqual([])
    expect((await store.describe()).metrics.totals.rotationErrors).toBe(1)
    await store.close()
  })

  test('a manifest of which nobody knows whether it is durable stops the writer', async () => {
    const { sound, vfs, store } = await onTheVerge()
    let renamed = false
    vfs.rule = ({ op, path }) => {
      if (op === 'rename' && path === MANIFEST) renamed = true
      return renamed && op === 'syncDir' ? { error: 'EIO' } : null
    }
    expect(await codeOf(store.append(facts(4, 1)))).toBe('writer_latched')
    vfs.rule = () => null
    expect(await codeOf(store.append(facts(4, 1)))).toBe('writer_latched')
    expect(await codeOf(compactTo(store, () => false))).not.toBe('done')
    await store.close().catch(() => undefined)
    expect(manifestOf(sound).clean).toBe(false)
    const acked = new Map((await strictly(sound)).records)
    for (const { vfs: after } of sound.kill().crashStates({ samples: 8 })) {
      await holds(after, { ...KILL, kind: 'power' }, { acked }, THREE)
    }
  })

  test('a sync that fails while a segment is sealed stops the writer for good', async () => {
    const { sound, vfs, store } = await onTheVerge('flushed')
    let failed = 0
    vfs.rule = ({ op, path }) =>
      op === 'datasync' && path.endsWith('1-00000001.ndjson') && failed++ === 0
        ? { error: 'EIO' }
        : null
    expect(await codeOf(store.append(facts(4, 1)))).toBe('writer_latched')
    expect(await codeOf(store.append(facts(4, 1)))).toBe('writer_latched')
    await store.close().catch(() => undefined)
    expect(manifestOf(sound)).toMatchObject({ clean: false, segments: [] })
  })

  test('goes by bytes too, before the batch that would not fit', async () => {
    const sound = memVfs()
    await create(sound)
    const store = await open(sound, { seal: { maxBytes: 1000 } })
    await store.begin()
    for (let n = 1; n <= 20; n++) await store.append(facts(n, 1, 50))
    await store.close()
    const { segments } = manifestOf(sound)
    expect(segments.length).toBeGreaterThan(3)
    // The mark that ends a segment comes on top.
    for (const { bytes } of segments) expect(bytes).toBeLessThan(1300)
    expect((await strictly(sound)).records.size).toBe(20)
  })

  test('and a compaction beside it never take back what the other committed', async () => {
    const vfs = memVfs()
    await made(vfs, 12)
    const store = await open(vfs, THREE)
    await store.begin()
    const running = compactTo(store, (seq) => seq > 4 && seq !== 8)
    const more = await appendAll(vfs, store, 13, 12)
    expect((await running)?.verified).toBe(true)
    const { records } = await strictly(vfs)
    expect([...records.keys()]).toEqual([5, 6, 7, 9, 10, 11, 12, ...more.keys()])
    await store.close()
    expect(manifestOf(vfs).totals.values).toMatchObject({ compactions: 1, recordsDropped: 5 })
  })
})

/** Changes what a rewrite is about to read; the segment begins at 4. */
type Damage = (bytes: Buffer, vfs: MemVfs) => Buffer

/** A sound line of our own with the same number and the same length, and another payload. */
function forged(bytes: Buffer, vfs: MemVfs): Buffer {
  const from = bytes.indexOf('{"seq":6,')
  const to = bytes.indexOf(10, from)
  const open = bytes
    .toString('utf8', from, to - 18)
    .replace('"pad":""', '"pad":""')
    .replace('"n":6', '"n":7')
  const line = `${open},"crc":"${hex8(crc32(open, seedOf(manifestOf(vfs).logId)))}"}`
  expect(line).toHaveLength(to - from)
  return Buffer.concat([bytes.subarray(0, from), Buffer.from(line), bytes.subarray(to)])
}

const DAMAGES: Readonly<Record<string, Damage>> = {
  'a flipped bit in a record': (b) => flipBit(b, (b.indexOf('{"seq":6,') + 40) * 8),
  'a line less': (b) => deleteLine(b, lineOf(b, 5)),
  'another sound record in the place of one': forged,
  'bytes behind its end': (b) => Buffer.concat([b, Buffer.from('\n')]),
  'its last bytes gone': (b) => b.subarray(0, b.length - 5),
}

/** A whole segment of this store, with one record. */
function segmentWith(vfs: MemVfs, firstSeq: number): string {
  const { logId, created, blockBytes, format } = manifestOf(vfs)
  const id = { firstSeq, generation: 1, nextSeq: firstSeq, compactedThrough: 0, records: 0 }
  const [[, line] = [0, '']] = storedAs(logId, facts(firstSeq, 1), firstSeq)
  return `${encodeHead({ ...id, format, logId, created, blockBytes })}${line}\n`
}

/** Drops the first segment; to decide that, no other segment is read. */
function dropFirst(store: SegmentStore): Promise<unknown> {
  const plan = async (): Promise<SegmentsPlan> => {
    const first = (await store.view()).manifest.segments[0]
    if (first === undefined) throw new Error('there is no sealed segment')
    return { verdicts: [{ segment: first, action: 'drop' }], dropped: [] }
  }
  return store.compact({ plan, trigger: 'request' })
}

describe('a compaction refuses, and changes nothing', () => {
  const stays = (seq: number): boolean => seq !== 5

  test.each(Object.keys(DAMAGES))('when it meets %s', async (what) => {
    const vfs = memVfs()
    const acked = await made(vfs, 12)
    const store = await open(vfs, THREE)
    await store.begin()
    const path = at(vfs, 4)
    const whole = vfs.bytes(path)
    const { generation, segments } = manifestOf(vfs)
    const between = async (): Promise<void> => {
      vfs.put(path, (DAMAGES[what] as Damage)(whole, vfs))
    }
    expect(await codeOf(compactTo(store, stays, { between }))).toBe('anomalies_found')
    expect(manifestOf(vfs)).toMatchObject({ generation, segments })
    expect(await segmentsIn(vfs)).toHaveLength(4)
    vfs.put(path, whole)
    await store.close()
    await holds(vfs, KILL, { acked }, THREE)
  })

  test.each<[string, (vfs: MemVfs) => Promise<void>]>([
    ['a segment is missing', async (vfs) => vfs.unlink(at(vfs, 7))],
    [
      'a segment is shorter',
      async (vfs) => vfs.put(at(vfs, 7), vfs.bytes(at(vfs, 7)).subarray(0, 200)),
    ],
    [
      'the manifest is damaged',
      async (vfs) => vfs.put(MANIFEST, flipBit(vfs.bytes(MANIFEST), 900)),
    ],
    [
      'the manifest is an older one',
      async (vfs) => {
        const now = manifestOf(vfs)
        vfs.put(MANIFEST, encodeManifest({ ...now, edit: now.edit - 1 }))
      },
    ],
  ])('when %s', async (_, damage) => {
    const vfs = memVfs()
    await made(vfs, 12)
    const store = await open(vfs, THREE)
    await store.begin()
    await damage(vfs)
    const names = await segmentsIn(vfs)
    expect(await codeOf(dropFirst(store))).toBe('anomalies_found')
    expect(await segmentsIn(vfs)).toEqual(names)
    await store.close().catch(() => undefined)
  })

  test('while damage that the owner was told of is not mended, wherever it is', async () => {
    const vfs = memVfs()
    await made(vfs, 12)
    const path = at(vfs, 7)
    vfs.put(path, flipBit(vfs.bytes(path), (vfs.bytes(path).indexOf('{"seq":8,') + 40) * 8))
    const resting = await open(vfs, THREE)
    expect((await resting.scan()).clean).toBe(false)
    expect(await codeOf(dropFirst(resting))).toBe('anomalies_found')
    await resting.close()
    const store = await open(vfs, THREE)
    expect((await store.scan()).clean).toBe(false)
    await store.begin({ onDamage: 'set_tail_aside' })
    expect(await codeOf(dropFirst(store))).toBe('anomalies_found')
    await store.close()
  })
})

describe('a compaction', () => {
  test.each(['at rest', 'beside an owner'])(
    '%s leaves what it is told to, and no other file',
    async (how) => {
      const vfs = memVfs()
      const before = await made(vfs, 12)
      const store = await open(vfs, THREE)
      if (how !== 'at rest') await store.begin()
      const stays = (seq: number): boolean => seq > 3 && seq !== 5 && seq !== 12
      expect((await compactTo(store, stays))?.verified).toBe(true)
      const left = new Map([...before].filter(([seq]) => stays(seq)))
      expect(new Map((await readAll(store)).map(({ seq, json }) => [seq, json]))).toEqual(left)
      const { manifest, records, unnamed } = await strictly(vfs)
      expect([new Map(records), unnamed]).toEqual([left, []])
      expect(manifest.obsolete).toEqual([])
      await store.close()
      await holds(vfs, KILL, { acked: left }, THREE)
    },
  )

  test('a reader that began before goes on behind the last number that it gave', async () => {
    const vfs = memVfs()
    await made(vfs, 12)
    const store = await open(vfs, THREE)
    await store.begin()
    const reader = store.read()[Symbol.asyncIterator]()
    const seen = [(await reader.next()).value?.seq]
    await compactTo(store, (seq) => seq > 6 && seq !== 8)
    await store.append(facts(13, 1))
    for (let next = await reader.next(); next.done !== true; next = await reader.next())
      seen.push(next.value.seq)
    const sorted = [...new Set(seen)].sort((a, b) => (a ?? 0) - (b ?? 0))
    expect(seen).toEqual(sorted)
    expect(seen.filter((seq) => (seq ?? 0) > 6 && seq !== 8 && (seq ?? 0) < 13)).toEqual([
      7, 9, 10, 11, 12,
    ])
    await store.close()
  })
})

test('changes of the manifest that come together are made one behind the other', async () => {
  const vfs = memVfs()
  await made(vfs, 3)
  const keeper = new ManifestKeeper(vfs, DIR, manifestOf(vfs))
  const add = (name: string): Promise<unknown> =>
    keeper.commit((now) => ({ ...now, obsolete: [...now.obsolete, name] }))
  const { edit } = keeper.current
  await Promise.all([add('a'), add('b'), add('c')])
  expect(manifestOf(vfs)).toMatchObject({ obsolete: ['a', 'b', 'c'], edit: edit + 3 })
})

describe('the next owner', () => {
  test('removes traces and what is obsolete, durably, before it forgets them', async () => {
    const start = memVfs()
    const acked = await made(start, 12)
    const name = (id: { firstSeq: number; generation: number }): string =>
      segmentPath(DIR, id).slice(DIR.length + 1)
    const copy = start.bytes(at(start, 4))
    const obsolete = { firstSeq: 2, generation: 1 }
    start.put(segmentPath(DIR, obsolete), copy)
    start.put(MANIFEST, encodeManifest({ ...manifestOf(start), obsolete: [name(obsolete)] }))
    start.put(`${MANIFEST}.0123456789ab.tmp`, 'left over')
    start.put(`${at(start, 4)}.mark`, 'left over')
    const store = await open(start, THREE)
    const { anomalies, notices } = await store.scan()
    expect(anomalies).toEqual([])
    expect(notices.map(({ code }) => code)).toContain('interrupted_work')
    await store.close()
    const states: MemVfs[] = []
    const vfs = start.clone()
    const owner = await open(vfs, THREE)
    vfs.onOp = () => {
      for (const state of vfs.clone().crashStates({ samples: 4 })) states.push(state.vfs)
    }
    await owner.begin()
    vfs.onOp = undefined
    expect(await segmentsIn(vfs)).toHaveLength(4)
    expect((await vfs.readdir(DIR)).filter((n) => n.endsWith('.tmp'))).toEqual([])
    expect((await vfs.readdir(DIR)).filter((n) => n.endsWith('.mark'))).toHaveLength(1)
    expect(manifestOf(vfs).obsolete).toEqual([])
    await owner.close()
    for (const state of states) {
      const seen = await open(state, { ...THREE, access: 'read' })
      expect((await seen.scan()).anomalies).toEqual([])
      await seen.close()
    }
    await holds(vfs, KILL, { acked }, THREE)
  })

  test.each<[string, string, (vfs: MemVfs) => Promise<void>]>([
    [
      'a segment with records that the manifest does not name',
      'orphan_segment',
      async (vfs) => vfs.put(segmentPath(DIR, { firstSeq: 2, generation: 1 }), segmentWith(vfs, 2)),
    ],
    [
      'a segment of a later generation where the one before is missing',
      'manifest_damaged',
      async (vfs) => {
        const old = at(vfs, 4)
        const head = vfs.bytes(old).toString('utf8').split('\n')[0] ?? ''
        const open = head.slice(0, -18).replace('"generation":1', '"generation":2')
        const line = `${open},"crc":"${hex8(crc32(open, seedOf(manifestOf(vfs).logId)))}"}`
        const rest = vfs.bytes(old).subarray(head.length)
        const path = segmentPath(DIR, { firstSeq: 4, generation: 2 })
        vfs.put(path, Buffer.concat([Buffer.from(line), rest]))
        await vfs.unlink(old)
        await vfs.syncDir(DIR)
      },
    ],
    [
      'segments that are later than the manifest',
      'manifest_damaged',
      async (vfs) => {
        const before = vfs.bytes(MANIFEST)
        const store = await open(vfs, THREE)
        await store.begin()
        await appendAll(vfs, store, 13, 6)
        await store.close()
        vfs.put(MANIFEST, before)
      },
    ],
    [
      'a manifest that contradicts itself',
      'manifest_damaged',
      async (vfs) => {
        const now = manifestOf(vfs)
        vfs.put(MANIFEST, encodeManifest({ ...now, segments: [...now.segments].reverse() }))
      },
    ],
  ])(
    'who finds %s refuses, removes no record, and gives all back after a recovery',
    async (_, code, change) => {
      const vfs = memVfs()
      const acked = await made(vfs, 12)
      await change(vfs)
      const names = await segmentsIn(vfs)
      const store = await open(vfs, THREE)
      const scan = await store.scan()
      expect(Object.keys(scan.anomalyCounts)).toContain(code)
      expect(await codeOf(store.begin())).toBe('anomalies_found')
      expect(await segmentsIn(vfs)).toEqual(names)
      await store.recover({ mode: 'repair', acceptLoss: true, force: true })
      await store.close()
      await holds(vfs, KILL, { acked }, THREE)
    },
  )

  test.each<[string, (b: Buffer, vfs: MemVfs) => Buffer]>([
    ['a flipped bit', (b) => flipBit(b, (b.indexOf('{"seq":5,') + 40) * 8)],
    ['another sound record', forged],
    ['a byte behind its end', (b) => Buffer.concat([b, Buffer.from('\n')])],
  ])('is told of %s in a sealed segment', async (_, change) => {
    const vfs = memVfs()
    await made(vfs, 12)
    vfs.put(at(vfs, 4), change(vfs.bytes(at(vfs, 4)), vfs))
    const store = await open(vfs, THREE)
    expect((await store.scan()).clean).toBe(false)
    expect(await codeOf(store.begin())).toBe('anomalies_found')
    await store.close()
  })

  test('a writer that stopped leaves a store that does not count as closed', async () => {
    const { sound, vfs, store } = await onTheVerge()
    vfs.rule = ({ op, path }) =>
      op === 'datasync' && path.endsWith('.ndjson') ? { error: 'EIO' } : null
    expect(await codeOf(store.append(facts(4, 1)))).toBe('writer_latched')
    vfs.rule = () => null
    await store.close()
    expect(manifestOf(sound).clean).toBe(false)
  })
})
