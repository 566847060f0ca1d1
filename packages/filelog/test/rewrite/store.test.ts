import { manualClock, PapyraError } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import { createLogStore } from '../../src/index.js'
import { insertAt, memVfs } from '../../src/testing/index.js'
import { DAMAGES } from './damage.js'
import { bySeq, create, fact, facts, filled, LOG, open, readAll } from './support.js'

const META = `${LOG}.meta.json`

describe('opening', () => {
  test('a creation that was killed half-way is no store, and can be made again', async () => {
    const vfs = memVfs()
    await create(vfs)
    await vfs.unlink(LOG)
    const lost = await open(vfs)
    expect((await lost.describe()).exists).toBe(true)
    await lost.close()
    const half = memVfs()
    let ops = 0
    half.onOp = ({ path }) => {
      if (path === LOG && ops++ === 0) throw new Error('stop here')
    }
    await expect(create(half)).rejects.toThrow()
    half.onOp = undefined
    const process_ = half.kill()
    await expect(open(process_, { access: 'read' })).rejects.toMatchObject({
      code: 'store_not_found',
    })
    await create(process_)
    const store = await open(process_)
    expect((await store.scan()).anomalies).toEqual([])
    await store.begin()
    expect((await process_.readdir('/data')).filter((name) => name.endsWith('.tmp'))).toEqual([])
    await store.close()
  })

  test('a store whose log is gone is not made anew; recovery records everything as lost', async () => {
    const vfs = memVfs()
    await filled(vfs, 7)
    const { logId } = await (await open(vfs, { access: 'read' })).describe()
    await vfs.unlink(LOG)
    await expect(createLogStore(vfs, LOG)).rejects.toMatchObject({ code: 'store_exists' })
    const store = await open(vfs, { create: 'if-missing' })
    const scan = await store.scan()
    expect(scan.anomalies).toMatchObject([
      { code: 'rolled_back', seq: { first: 1, last: 7 }, records: 7 },
    ])
    await expect(store.begin()).rejects.toMatchObject({ code: 'anomalies_found' })
    await expect(store.recover({ mode: 'repair' })).rejects.toMatchObject({
      code: 'accept_loss_required',
    })
    const report = await store.recover({ mode: 'repair', acceptLoss: true })
    expect(report.after?.clean).toBe(true)
    expect(report.losses).toMatchObject([
      { seq: { first: 1, last: 7 }, records: 7, code: 'rolled_back' },
    ])
    expect((await store.describe()).logId).toBe(logId)
    expect((await store.begin()).nextSeq).toBe(8)
    await store.append([fact(8)])
    await store.close()
    const again = await open(vfs)
    expect((await again.scan()).anomalies).toEqual([])
    await again.close()
  })

  test('after a clean close a quick look is enough, whatever was done in between', async () => {
    const vfs = memVfs()
    await filled(vfs, 9)
    const look = async (): Promise<string> => {
      const reader = await open(vfs, { access: 'read' })
      const { coverage, clean } = await reader.scan({ coverage: 'auto' })
      await reader.close()
      return `${coverage} ${clean}`
    }
    expect(await look()).toBe('quick true')
    const store = await open(vfs)
    await store.compact({ plan: () => Promise.resolve(({ seq }) => seq > 3) })
    await store.close()
    expect(await look()).toBe('quick true')
    DAMAGES[0]?.apply(vfs)
    const damaged = await open(vfs)
    await damaged.recover({ mode: 'repair' })
    await damaged.close()
    expect(await look()).toBe('quick true')
  })
})

test('where there are no locks a store can still be read, scanned and described, but not owned', async () => {
  const vfs = memVfs()
  await filled(vfs, 4)
  Object.assign(vfs, {
    lock: () => Promise.reject(new PapyraError('lock_unavailable', 'There is no flock.')),
  })
  const reader = await open(vfs, { access: 'read' })
  expect(await readAll(reader)).toHaveLength(4)
  expect((await reader.scan()).clean).toBe(true)
  expect((await reader.describe()).owner).toBeNull()
  await expect(open(vfs)).rejects.toMatchObject({ code: 'lock_unavailable' })
})

describe('damage that the gate let pass', () => {
  test('an unfinished tail is set aside, and numbers go on', async () => {
    const vfs = memVfs()
    const before = await filled(vfs, 6)
    const tail = '{"seq":7,"kind":"ev'
    vfs.put(LOG, insertAt(vfs.bytes(LOG), vfs.bytes(LOG).length, tail))
    const store = await open(vfs)
    const { keptAside, nextSeq } = await store.begin({ onDamage: 'set_tail_aside' })
    expect(nextSeq).toBe(7)
    expect(vfs.bytes(keptAside[0] ?? '').toString()).toBe(
      `{"offset":${vfs.bytes(LOG).length},"length":${tail.length},"code":"torn_tail"}\n${tail}\n`,
    )
    await store.append([fact(7)])
    expect((await readAll(store)).slice(0, 6)).toEqual(before)
    expect((await store.scan()).anomalies).toEqual([])
    await store.close()
  })

  test('earlier damage is left alone, and still seen; what is appended is kept by a later recovery', async () => {
    for (const name of [
      'flipped bit',
      'deleted line',
      'doubled line',
      'cut at a line',
      'sidecar damaged',
      'mark damaged',
    ]) {
      const vfs = memVfs()
      await filled(vfs, 12)
      const damage = DAMAGES.find((one) => one.name === name)
      damage?.apply(vfs)
      const store = await open(vfs)
      expect((await store.scan()).clean, name).toBe(false)
      await expect(store.begin(), name).rejects.toMatchObject({ code: 'anomalies_found' })
      expect((await store.begin({ onDamage: 'set_tail_aside' })).nextSeq, name).toBe(13)
      await store.append(facts(13, 8))
      await store.close()
      const again = await open(vfs)
      const scan = await again.scan()
      expect(scan.clean, name).toBe(
        !['flipped bit', 'deleted line', 'doubled line', 'cut at a line'].includes(name),
      )
      const { acceptLoss, force } = scan.consent
      const report = await again.recover({ mode: 'repair', acceptLoss, force })
      expect(report.after?.anomalies, name).toEqual([])
      const seqs = (await readAll(again)).map(({ seq }) => seq)
      const gone = damage?.lost ?? []
      const all = Array.from({ length: 20 }, (_, i) => i + 1)
      expect(seqs, name).toEqual(all.filter((seq) => !gone.includes(seq)))
      await again.close()
    }
  })

  test('an end that was acknowledged and is damaged is refused', async () => {
    const vfs = memVfs()
    await filled(vfs, 6)
    const bytes = vfs.bytes(LOG)
    bytes[bytes.length - 30] = 0
    vfs.put(LOG, bytes)
    const store = await open(vfs)
    await expect(store.begin({ onDamage: 'set_tail_aside' })).rejects.toMatchObject({
      code: 'anomalies_found',
    })
    expect(vfs.bytes(LOG)).toEqual(bytes)
    await store.close()
  })
})

describe('quarantine', () => {
  test('keeps whole originals, and nothing beside the log', async () => {
    const vfs = memVfs()
    await filled(vfs, 12)
    DAMAGES.find(({ name }) => name === 'flipped bit')?.apply(vfs)
    const originals = new Map(
      ['', '.mark', '.meta.json'].map((s) => [`shop.ndjson${s}`, vfs.bytes(`${LOG}${s}`)]),
    )
    const store = await open(vfs)
    await expect(store.recover({ mode: 'quarantine', acceptLoss: true })).rejects.toMatchObject({
      code: 'quarantine_dir_required',
    })
    const report = await store.recover({
      mode: 'quarantine',
      acceptLoss: true,
      quarantineDir: '/quarantine/deep',
    })
    expect(report.keptAside).toHaveLength(3)
    for (const path of report.keptAside) {
      const name =
        /^\/quarantine\/deep\/(.*)\.g00000002-[0-9a-f]{12}\.quarantined$/.exec(path)?.[1] ?? ''
      expect(vfs.bytes(path), name).toEqual(originals.get(name))
    }
    expect((await vfs.readdir('/data')).filter((name) => name.endsWith('.removed'))).toEqual([])
    await store.close()
  })
})

describe('plain logs', () => {
  const line = (n: number): string =>
    `{"kind": "event", "system_id": "s", "actor_address": null, "event_type": "t", "payload": ${n}, "timestamp": ${1_700_000_000 + n}}`

  async function plain(text: string) {
    const vfs = memVfs()
    await vfs.mkdir('/data')
    vfs.put(LOG, text)
    return { vfs, store: await open(vfs) }
  }

  test('recovery takes bad stretches out and copies the rest byte for byte', async () => {
    const { vfs, store } = await plain(`${line(1)}\nnot json\n${line(2)}\n`)
    const scan = await store.scan()
    expect(scan.coverage).toBe('structure')
    const { acceptLoss, force } = scan.consent
    const report = await store.recover({ mode: 'repair', acceptLoss, force })
    expect(report.after?.anomalies).toEqual([])
    expect(vfs.bytes(LOG).toString()).toBe(`${line(1)}\n${line(2)}\n`)
    expect(vfs.bytes(report.keptAside[0] ?? '').toString()).toContain('not json')
    expect((await store.recover({ mode: 'repair' })).changed).toBe(false)
    expect(await vfs.stat(META)).toBeNull()
    await store.close()
  })

  test('a torn tail is cut', async () => {
    const { vfs, store } = await plain(`${line(1)}\n${line(2).slice(0, 30)}`)
    const { acceptLoss, force } = (await store.scan()).consent
    expect((await store.recover({ mode: 'repair', acceptLoss, force })).after?.anomalies).toEqual(
      [],
    )
    expect(vfs.bytes(LOG).toString()).toBe(`${line(1)}\n`)
    await store.close()
  })

  test('compaction keeps lines as they are, and the log plain', async () => {
    const { vfs, store } = await plain(`${line(1)}\n${line(2)}\n${line(3)}\n`)
    const keep = ({ timestamp }: { timestamp: number }): boolean => timestamp > 1_700_000_001_000
    const result = await store.compact({ plan: () => Promise.resolve(keep) })
    expect(result).toMatchObject({ before: { records: 3 }, after: { records: 2 }, verified: true })
    expect(vfs.bytes(LOG).toString()).toBe(`${line(2)}\n${line(3)}\n`)
    await store.close()
  })
})

describe('totals', () => {
  test('count what a killed owner had appended, once', async () => {
    const vfs = memVfs()
    await filled(vfs, 3)
    const first = await open(vfs)
    await first.begin()
    await first.append(facts(4, 4))
    const next = vfs.kill()
    const reader = await open(next, { access: 'read' })
    const seen = (await reader.describe()).metrics.totals
    expect(seen).toMatchObject({ recordsWritten: 7, recordsStored: 7 })
    await reader.close()
    const second = await open(next)
    await second.begin()
    expect((await second.describe()).metrics.totals.recordsWritten).toBe(7)
    await second.append([fact(8)])
    await second.close()
    const last = await open(next, { access: 'read' })
    const { totals } = (await last.describe()).metrics
    expect(totals.recordsWritten).toBe(8)
    expect(totals.bytesStored).toBe(next.bytes(LOG).length)
    // Everything but the head was written by appends.
    expect(totals.bytesWritten).toBe(next.bytes(LOG).length - (next.bytes(LOG).indexOf('\n') + 1))
    await last.close()
  })

  test('failed recoveries and compactions of an owner that never began are kept too', async () => {
    const vfs = memVfs()
    await filled(vfs, 12)
    DAMAGES.find(({ name }) => name === 'flipped bit')?.apply(vfs)
    const store = await open(vfs)
    await expect(store.recover({ mode: 'repair' })).rejects.toThrow()
    await expect(store.compact({ plan: () => Promise.resolve(() => true) })).rejects.toThrow()
    await store.close()
    const reader = await open(vfs, { access: 'read' })
    expect((await reader.describe()).metrics.totals).toMatchObject({
      recoveryErrors: 1,
      compactionErrors: 1,
    })
    await reader.close()
  })
})

test('a follower that polls sees every record once, over a compaction', async () => {
  const vfs = memVfs()
  await filled(vfs, 6)
  const store = await open(vfs, { clock: manualClock() })
  await store.begin()
  const reader = await open(vfs.fork(), { access: 'read' })
  const seen: number[] = []
  const poll = async (): Promise<void> => {
    for await (const { seq } of reader.read({ afterSeq: seen.at(-1) ?? 0 })) seen.push(seq)
  }
  await poll()
  await store.append(facts(7, 2))
  await poll()
  await store.compact({ plan: () => Promise.resolve(({ seq }) => seq > 7) })
  await store.append(facts(9, 1))
  await poll()
  expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  await store.close()
  await reader.close()
  expect(bySeq(await readAll(await open(vfs, { access: 'read' }))).size).toBe(2)
})
