import { describe, expect, test } from 'vitest'
import { everyCrash, memVfs, type MemVfs } from '../../src/testing/index.js'
import { LOG, SAMPLING, open, readAll } from './support.js'

const PLAIN = [
  '{"kind": "event", "system_id": "local", "actor_address": {"system": "local", "actor_id": 1}, "event_type": "ActorStarted", "payload": {"big": 12345678901234567890}, "timestamp": 1768380322.51}',
  '{"kind": "audit", "system_id": "local", "timestamp": 1768380323.02, "total_actors": 3, "alive_actors": 2, "stopping_actors": 1, "restarting_actors": 0, "registry_size": 1, "registry_orphans": [], "registry_dead": [], "dead_letters_count": 4}',
  '{"kind": "dead_letter", "system_id": "local", "target": "local:2", "message_type": "str", "payload": "hello", "timestamp": 1768380323.5}',
].join('\n')

async function plain(): Promise<MemVfs> {
  const vfs = memVfs()
  await vfs.mkdir('/data')
  vfs.put(LOG, `${PLAIN}\n`, 0o640)
  return vfs
}

async function upgrade(vfs: MemVfs): Promise<void> {
  const store = await open(vfs)
  try {
    await store.upgrade()
  } finally {
    await store.close()
  }
}

function originals(names: readonly string[]): string[] {
  return names.filter((name) => name.endsWith('.original'))
}

describe('upgrade of a plain log', () => {
  test('keeps the original aside and every member byte for byte', async () => {
    const vfs = await plain()
    const refused = await open(vfs)
    await expect(refused.begin()).rejects.toMatchObject({ code: 'upgrade_required' })
    const told = await refused.upgrade({ dryRun: true })
    expect(told).toMatchObject({ dryRun: true, records: 3, originalKeptAs: null })
    expect(await vfs.readdir('/data')).toEqual(['shop.ndjson', 'shop.ndjson.lock'])
    const report = await refused.upgrade()
    expect(report).toMatchObject({ changed: true, records: 3, location: LOG, out: LOG })
    expect(report.bytes.before).toBe(PLAIN.length + 1)
    expect(told.bytes).toEqual(report.bytes)
    expect(vfs.bytes(report.originalKeptAs ?? '').toString()).toBe(`${PLAIN}\n`)
    const records = await readAll(refused)
    expect(records.map(({ seq, kind }) => [seq, kind])).toEqual([
      [1, 'event'],
      [2, 'audit'],
      [3, 'dead_letter'],
    ])
    expect(records[0]?.json).toContain('"payload": {"big": 12345678901234567890}')
    expect((await vfs.stat(LOG))?.mode).toBe(0o640)
    expect((await refused.scan()).anomalies).toEqual([])
    expect((await refused.begin()).nextSeq).toBe(4)
    await refused.close()
  })

  test('into another file leaves the original alone', async () => {
    const vfs = await plain()
    const store = await open(vfs)
    const report = await store.upgrade({ out: '/data/new.ndjson' })
    expect(report).toMatchObject({ out: '/data/new.ndjson', originalKeptAs: null, records: 3 })
    await expect(store.upgrade({ out: '/data/new.ndjson' })).rejects.toMatchObject({
      code: 'store_exists',
    })
    expect(vfs.bytes(LOG).toString()).toBe(`${PLAIN}\n`)
    await store.close()
  })

  test('refuses a damaged plain log', async () => {
    const vfs = await plain()
    vfs.put(LOG, `${PLAIN}\n{"kind": "ev`)
    const store = await open(vfs)
    await expect(store.upgrade()).rejects.toMatchObject({ code: 'anomalies_found' })
    await store.close()
  })

  test('with the option `upgrade` begin does it', async () => {
    const vfs = await plain()
    const store = await open(vfs, { upgrade: true })
    expect((await store.begin()).nextSeq).toBe(4)
    await store.close()
  })

  test('power cut or kill at any moment leaves the plain log or the upgraded one', async () => {
    const report = await everyCrash<true>(
      async (vfs, say) => {
        await upgrade(vfs)
        say(true)
      },
      async (vfs, context) => {
        const store = await open(vfs)
        const scan = await store.scan()
        const codes = Object.keys(scan.anomalyCounts)
        if (scan.coverage === 'structure') expect(vfs.bytes(LOG).toString()).toBe(`${PLAIN}\n`)
        else expect(originals(await vfs.readdir('/data'))).toHaveLength(1)
        if (context.witness === true) expect(scan.clean).toBe(true)
        expect(codes.filter((code) => !['sidecar_missing', 'mark_missing'].includes(code))).toEqual(
          [],
        )
        await store.upgrade()
        expect(await readAll(store)).toHaveLength(3)
        expect((await store.scan()).anomalies).toEqual([])
        expect((await store.begin()).nextSeq).toBe(4)
        await store.close()
        const names = await vfs.readdir('/data')
        expect(originals(names)).toHaveLength(1)
        expect(vfs.bytes(`/data/${originals(names)[0]}`).toString()).toBe(`${PLAIN}\n`)
        expect(names.filter((name) => name.endsWith('.tmp'))).toEqual([])
      },
      { ...SAMPLING, start: await plain() },
    )
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(40)
  })
})
