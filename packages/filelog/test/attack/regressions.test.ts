import { Buffer } from 'node:buffer'
import { expect, test } from 'vitest'
import { lineRanges, memVfs, swapLines, type MemVfs } from '../../src/testing/index.js'
import { bySeq, create, fact, facts, filled, LOG, open, readAll } from '../rewrite/support.js'

const MARK = `${LOG}.mark`
const META = `${LOG}.meta.json`

async function compactTo(vfs: MemVfs, keeps: (seq: number) => boolean): Promise<void> {
  const store = await open(vfs)
  await store.compact({ plan: () => Promise.resolve(({ seq }) => keeps(seq)) })
  await store.close()
}

/** The lines of records, without head and block marks. */
function recordLines(bytes: Buffer): number[] {
  return lineRanges(bytes).flatMap(([from, to], i) =>
    bytes.toString('latin1', from, to).includes('"kind":"event"') ? [i] : [],
  )
}

test('what is appended behind a last line without its end stays readable', async () => {
  const vfs = memVfs()
  const before = await filled(vfs, 7, { close: false })
  const killed = vfs.kill()
  const bytes = killed.bytes(LOG)
  killed.put(LOG, bytes.subarray(0, -1))
  const store = await open(killed)
  await store.begin({ onDamage: 'set_tail_aside' })
  const { firstSeq } = await store.append([fact(100)])
  expect(firstSeq).toBe(8)
  const seqs = (await readAll(store)).map(({ seq }) => seq)
  expect(seqs.at(-1)).toBe(8)
  expect(seqs.length).toBeGreaterThanOrEqual(before.length)
  await store.close()
})

test('a loss below what was compacted is still told after more was appended', async () => {
  const vfs = memVfs()
  await filled(vfs, 30)
  await compactTo(vfs, (seq) => seq % 3 !== 0)
  const bytes = vfs.bytes(LOG)
  const line = recordLines(bytes).at(-5) ?? 0
  vfs.put(LOG, bytes.subarray(0, lineRanges(bytes)[line]?.[0]))
  const first = await open(vfs)
  expect((await first.scan()).anomalies).toMatchObject([{ code: 'rolled_back', records: 5 }])
  await first.begin({ onDamage: 'set_tail_aside' })
  for (let n = 0; n < 12; n++) await first.append([fact(n, 100)])
  await first.close()
  const store = await open(vfs)
  const { anomalies } = await store.scan()
  expect(anomalies.reduce((n, { loss, records }) => n + (loss ? records : 0), 0)).toBe(5)
  const report = await store.recover({ mode: 'repair', acceptLoss: true })
  expect(report.losses.reduce((n, { records }) => n + records, 0)).toBe(5)
  expect(report.recordsKept).toBe(15 + 12)
  await store.close()
})

test('a sidecar that is older than the log is renewed by a recovery', async () => {
  const vfs = memVfs()
  await filled(vfs, 12)
  const old = vfs.bytes(META)
  await compactTo(vfs, (seq) => seq > 4)
  vfs.put(META, old)
  const store = await open(vfs)
  expect((await store.scan()).anomalies).toMatchObject([{ code: 'sidecar_damaged' }])
  const report = await store.recover({ mode: 'repair' })
  expect(report).toMatchObject({ changed: true, after: { clean: true }, losses: [] })
  expect((await store.begin()).nextSeq).toBe(13)
  await store.close()
})

test.each([[[MARK]], [[MARK, META]]])(
  'the last two records, swapped, are both kept without %j',
  async (gone) => {
    const vfs = memVfs()
    const before = bySeq(await filled(vfs, 10, { close: false }))
    const killed = vfs.kill()
    const bytes = killed.bytes(LOG)
    const lines = recordLines(bytes)
    killed.put(LOG, swapLines(bytes, lines.at(-2) ?? 0, lines.at(-1) ?? 0))
    for (const path of gone) await killed.unlink(path)
    const store = await open(killed)
    const report = await store.recover({ mode: 'repair' })
    expect(report.before.anomalyCounts['duplicate_record']).toBeUndefined()
    expect([...bySeq(await readAll(store))]).toEqual([...before])
    expect((await store.begin()).nextSeq).toBe(11)
    await store.close()
  },
)

test('a log whose lines were all joined into one keeps every record', async () => {
  const vfs = memVfs()
  await create(vfs, 1 << 20)
  const writer = await open(vfs)
  await writer.begin()
  await writer.append(facts(1, 3000))
  const before = bySeq(await readAll(writer))
  await writer.close()
  const [head = '', ...rest] = vfs.bytes(LOG).toString().trimEnd().split('\n')
  vfs.put(LOG, Buffer.from(`${head}\n${rest.join(' ')}\n`))
  const store = await open(vfs)
  const report = await store.recover({ mode: 'repair', force: true })
  expect(report).toMatchObject({ losses: [], after: { clean: true } })
  expect([...bySeq(await readAll(store))]).toEqual([...before])
  await store.close()
})

test('acknowledged records that inserted bytes push beyond the mark are not torn off', async () => {
  const vfs = memVfs()
  const before = bySeq(await filled(vfs, 12, { close: false }))
  const killed = vfs.kill()
  const bytes = killed.bytes(LOG)
  const [at = 0] = lineRanges(bytes)[recordLines(bytes).at(-1) ?? 0] ?? []
  const [from = 0] = lineRanges(bytes)[1] ?? []
  const parts = [
    bytes.subarray(0, from),
    '\n'.repeat(600),
    bytes.subarray(from, at),
    '{}\n',
    bytes.subarray(at),
  ]
  killed.put(LOG, Buffer.concat(parts.map((part) => Buffer.from(part))))
  const store = await open(killed)
  const report = await store.recover({ mode: 'repair', force: true })
  expect(report.before.anomalyCounts['torn_tail']).toBeUndefined()
  expect(report.losses).toEqual([])
  expect([...bySeq(await readAll(store))]).toEqual([...before])
  await store.close()
})

test('after a power cut, sound records behind a damaged one stay, and no number is given again', async () => {
  const vfs = memVfs()
  const before = bySeq(await filled(vfs, 12, { close: false }))
  let states = 0
  for (const { vfs: booted } of vfs.crashStates({ samples: 8, exhaustiveUpTo: 16 })) {
    const bytes = Buffer.from(booted.bytes(LOG))
    const [from = 0] = lineRanges(bytes)[recordLines(bytes)[2] ?? 0] ?? []
    bytes[from + 40] = (bytes[from + 40] ?? 0) ^ 1
    booted.put(LOG, bytes)
    const store = await open(booted)
    await store.recover({ mode: 'repair', acceptLoss: true })
    expect([...bySeq(await readAll(store))]).toEqual([...before].filter(([seq]) => seq !== 3))
    expect((await store.begin()).nextSeq).toBe(13)
    await store.close()
    states++
  }
  expect(states).toBeGreaterThan(1)
})
