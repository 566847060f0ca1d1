import { describe, expect, test } from 'vitest'
import { memVfs, type MemVfs } from '../../src/testing/index.js'
import { fact } from '../rewrite/support.js'
import { COUNT, DAMAGES, type Damage } from './recover-damage.js'
import { DIR, filled, open, recordsIn } from './recover-support.js'

async function damaged(damage: Damage): Promise<{ vfs: MemVfs; before: Map<number, string> }> {
  const vfs = memVfs()
  const before = new Map(await filled(vfs, COUNT))
  await damage.apply(vfs)
  return { vfs, before }
}

async function files(vfs: MemVfs): Promise<Record<string, string>> {
  const names = (await vfs.readdir(DIR)).filter((name) => name !== 'store.lock').sort()
  return Object.fromEntries(
    names.map((name) => [name, vfs.bytes(`${DIR}/${name}`).toString('latin1')]),
  )
}

describe.each(DAMAGES)('recovery of: $name', (damage) => {
  const { code, lost, force = false } = damage

  test('mends, keeps every intact record, records the losses, and comes to rest', async () => {
    const { vfs, before } = await damaged(damage)
    const store = await open(vfs)
    const found = await store.scan()
    expect(Object.keys(found.anomalyCounts)).toContain(code)
    expect(found.consent).toEqual({ acceptLoss: lost.length > 0, force })
    if (lost.length > 0) {
      await expect(store.recover({ mode: 'repair', force })).rejects.toMatchObject({
        code: 'accept_loss_required',
        details: { records: lost.length },
      })
    }
    if (force) {
      await expect(store.recover({ mode: 'repair', acceptLoss: true })).rejects.toMatchObject({
        code: 'force_required',
      })
    }
    const { ops } = vfs
    const told = await store.recover({ mode: 'repair', dryRun: true })
    expect(vfs.ops, 'a dry run changes and syncs nothing').toBe(ops)
    const report = await store.recover({ mode: 'repair', acceptLoss: lost.length > 0, force })
    expect(report.after?.anomalies).toEqual([])
    expect(report.changed).toBe(true)
    expect([told.losses, told.bytesSetAside, told.recordsKept]).toEqual([
      report.losses,
      report.bytesSetAside,
      report.recordsKept,
    ])
    expect(report.bytesSetAside === 0 || report.keptAside.length > 0).toBe(true)
    const left = [...before].filter(([seq]) => !lost.includes(seq))
    expect([...recordsIn(vfs)]).toEqual(left)
    expect(report.recordsKept).toBe(left.length)
    expect(report.losses.reduce((sum, { records }) => sum + records, 0)).toBe(lost.length)
    for (const seq of lost) {
      expect(
        report.losses.some((l) => l.seq !== null && l.seq.first <= seq && seq <= l.seq.last),
      ).toBe(true)
    }
    const rest = await files(vfs)
    const again = await store.recover({ mode: 'repair' })
    expect(again.changed).toBe(false)
    expect(await files(vfs), 'no byte is written').toEqual(rest)
    expect(again.before.losses).toEqual(report.losses)
    expect(await store.begin()).toMatchObject({ nextSeq: COUNT + 1 })
    await store.append([fact(99)])
    await store.close()
    const last = await open(vfs)
    expect((await last.scan()).anomalies).toEqual([])
    expect([...recordsIn(vfs).keys()]).toEqual([...left.map(([seq]) => seq), COUNT + 1])
    const { history, metrics, generation } = await last.describe()
    expect(history.at(-1)).toMatchObject({
      what: 'recovery',
      generation,
      recordsRemoved: lost.length,
    })
    expect(metrics.totals).toMatchObject({ recoveries: 1, recordsLost: lost.length })
    await last.close()
  })
})
