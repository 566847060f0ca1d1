import { describe, expect, test } from 'vitest'
import { memVfs, type MemVfs } from '../../src/testing/index.js'
import { damageCalled, COUNT, DAMAGES } from './recover-damage.js'
import { DIR, filled, open, recordsIn, segmentAt } from './recover-support.js'

const QUARANTINE = '/data/quarantine'

async function damaged(...names: readonly string[]): Promise<MemVfs> {
  const vfs = memVfs()
  await filled(vfs, COUNT)
  for (const name of names) await damageCalled(name).apply(vfs)
  return vfs
}

describe('quarantine', () => {
  test.each(DAMAGES)('of: $name', async ({ name, lost }) => {
    const vfs = await damaged(name)
    const before = new Map<string, Buffer>()
    for (const file of await vfs.readdir(DIR)) before.set(file, vfs.bytes(`${DIR}/${file}`))
    const store = await open(vfs)
    await expect(
      store.recover({ mode: 'quarantine', acceptLoss: true, force: true }),
    ).rejects.toMatchObject({ code: 'quarantine_dir_required' })
    const report = await store.recover({
      mode: 'quarantine',
      quarantineDir: QUARANTINE,
      acceptLoss: true,
      force: true,
    })
    expect(report.after?.anomalies).toEqual([])
    expect(recordsIn(vfs).size).toBe(COUNT - lost.length)
    for (const path of report.keptAside) {
      expect(path.startsWith(`${QUARANTINE}/`)).toBe(true)
      const original = path
        .slice(QUARANTINE.length + 1)
        .replace(/\.g\d{8}-[0-9a-f]{12}\.quarantined$/, '')
      expect(vfs.bytes(path)).toEqual(before.get(original))
    }
    if (report.bytesSetAside > 0) expect(report.keptAside.length).toBeGreaterThan(0)
    expect((await vfs.readdir(DIR)).filter((file) => file.endsWith('.removed'))).toEqual([])
    await store.close()
  })
})

describe('repair', () => {
  test('an orphan keeps its bytes under a name that no scan takes for a segment', async () => {
    const vfs = await damaged('an orphan')
    const whole = vfs.bytes(await segmentAt(vfs, 2))
    const store = await open(vfs)
    const { keptAside, bytesSetAside } = await store.recover({ mode: 'repair' })
    expect(keptAside).toHaveLength(1)
    expect(keptAside[0]).toMatch(
      /00000000000000000002-00000001\.ndjson\.g00000002-[0-9a-f]{12}\.removed$/,
    )
    expect(vfs.bytes(keptAside[0] ?? '')).toEqual(whole)
    expect(bytesSetAside).toBe(whole.length)
    await store.close()
  })

  test('the damaged bytes stand in the `.removed` file, and the damaged segment is gone', async () => {
    const vfs = await damaged('a flipped bit in a sealed segment')
    const path = await segmentAt(vfs, 4)
    const store = await open(vfs)
    const [anomaly] = (await store.scan()).anomalies
    const from = anomaly?.offset ?? 0
    const bad = vfs.bytes(path).subarray(from, from + (anomaly?.length ?? 0))
    const { keptAside } = await store.recover({ mode: 'repair', acceptLoss: true })
    expect(keptAside).toHaveLength(1)
    expect(vfs.bytes(keptAside[0] ?? '').includes(bad)).toBe(true)
    expect(await vfs.stat(path)).toBeNull()
    expect(await segmentAt(vfs, 4)).toBe(path.replace('-00000001', '-00000002'))
    await store.close()
  })

  test('damage to what a recovery made is mended like any other, and its losses stay on record', async () => {
    const vfs = await damaged(
      'a flipped bit in a sealed segment',
      'a flipped bit in the active segment',
    )
    const store = await open(vfs)
    await store.recover({ mode: 'repair', acceptLoss: true })
    await store.close()
    await damageCalled('swapped lines in a sealed segment').apply(vfs)
    await damageCalled('the head of the active segment').apply(vfs)
    const again = await open(vfs)
    const report = await again.recover({ mode: 'repair' })
    expect(report.losses).toEqual([])
    expect(report.after).toMatchObject({ clean: true, generation: 3 })
    expect(report.after?.losses.map(({ seq }) => seq)).toEqual([
      { first: 5, last: 5 },
      { first: 11, last: 11 },
    ])
    expect([...recordsIn(vfs).keys()]).toEqual([1, 2, 3, 4, 6, 7, 8, 9, 10, 12])
    await again.close()
  })

  test('is refused once the store takes appends, for an unknown mode, and when it was aborted', async () => {
    const vfs = memVfs()
    await filled(vfs, COUNT)
    const store = await open(vfs)
    const signal = AbortSignal.abort()
    await expect(store.recover({ mode: 'repair', signal })).rejects.toMatchObject({
      code: 'aborted',
    })
    await expect(store.recover({ mode: 'mend' as 'repair' })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    await store.begin()
    await expect(store.recover({ mode: 'repair' })).rejects.toMatchObject({ code: 'unsupported' })
    await store.close()
  })

  test('what is newer than this version is left alone', async () => {
    const vfs = memVfs()
    await filled(vfs, COUNT)
    const path = `${DIR}/manifest.json`
    const { encodeSealedJson } = await import('../../src/format/sealed-json.js')
    vfs.put(path, encodeSealedJson('_manifest', { logId: 'x', format: 99 }))
    const store = await open(vfs)
    const { ops } = vfs
    await expect(store.recover({ mode: 'repair', force: true })).rejects.toMatchObject({
      code: 'newer_format',
    })
    expect(vfs.ops).toBe(ops)
    await store.close()
  })
})
