import { describe, expect, test } from 'vitest'
import { openLogStore } from '../../src/index.js'
import { memVfs, type CrashContext, type MemVfs } from '../../src/testing/index.js'
import { missesEachSync, says, settled } from './omitted-syncs.js'
import { LOG, open, readAll } from './support.js'

const PLAIN = [1, 2, 3]
  .map(
    (n) =>
      `{"kind": "event", "system_id": "s", "actor_address": null, "event_type": "t", "payload": {"n": ${n}}, "timestamp": 1768380322.5}\n`,
  )
  .join('')
const OUT = '/data/new.ndjson'

async function plain(): Promise<MemVfs> {
  const vfs = memVfs()
  await vfs.mkdir('/data')
  vfs.put(LOG, PLAIN)
  vfs.put(`${LOG}.lock`, '')
  return vfs
}

function upgrading(out?: string) {
  return async (vfs: MemVfs, say: (said: true) => void): Promise<void> => {
    const store = await open(vfs)
    await store.upgrade(out === undefined ? {} : { out })
    say(true)
    await store.close()
  }
}

/** The plain log as it was, or the whole new one with the original beside it. */
async function inPlace(vfs: MemVfs, context: CrashContext<true>): Promise<void> {
  const done = context.witness === true
  if (done) await says(vfs, 'closed')
  const store = await open(vfs)
  const scan = await store.scan()
  if (done) expect([scan.coverage === 'structure', scan.anomalies]).toEqual([false, []])
  const report = await store.upgrade()
  expect(report.changed).toBe(!scan.clean || scan.coverage === 'structure')
  expect(await readAll(store)).toHaveLength(3)
  expect((await store.scan({ coverage: 'full' })).anomalies).toEqual([])
  expect((await store.begin()).nextSeq).toBe(4)
  await store.close()
  const originals = (await vfs.readdir('/data')).filter((name) => name.endsWith('.original'))
  expect(originals).toHaveLength(1)
  expect(vfs.bytes(`/data/${originals[0]}`).toString()).toBe(PLAIN)
}

/** The plain log as it was, and nothing or a whole new log at the other path. */
async function toOther(vfs: MemVfs, context: CrashContext<true>): Promise<void> {
  expect(vfs.bytes(LOG).toString()).toBe(PLAIN)
  const there = (await vfs.stat(OUT)) !== null
  if (context.witness === true) {
    expect(there).toBe(true)
    await says(vfs, 'closed', OUT)
  }
  if (!there) await upgrading(OUT)(vfs, () => undefined)
  const store = await openLogStore(vfs, OUT, { backend: 'json', access: 'write' })
  const scan = await store.scan()
  if (context.witness === true) expect(scan.anomalies).toEqual([])
  expect(scan.consent).toEqual({ acceptLoss: false, force: false })
  expect((await store.recover({ mode: 'repair' })).after?.anomalies).toEqual([])
  expect(await readAll(store)).toHaveLength(3)
  expect((await store.begin()).nextSeq).toBe(4)
  await store.close()
}

/** The machine as a kill leaves it behind the first operation for which `at` says true. */
async function killedUpgrading(at: string): Promise<MemVfs> {
  const vfs = await plain()
  let due = false
  let left: MemVfs | undefined
  vfs.onOp = ({ name, path }, half) => {
    if (half) return
    if (due) left ??= vfs.clone()
    due ||= `${name} ${path}` === at
  }
  await upgrading()(vfs, () => undefined)
  if (left === undefined) throw new Error(`there was no ${at}`)
  return settled(left)
}

describe('upgrade: each sync left out in turn is missed', () => {
  test('in place', async () => {
    await missesEachSync<true>(await plain(), upgrading(), inPlace, [
      {
        sync: 'syncDir behind create shop.ndjson.*.tmp',
        why: 'of the copy of the original: the folder is synced again behind its final name',
      },
    ])
  })

  test('to another path', async () => {
    await missesEachSync<true>(await plain(), upgrading(OUT), toOther, [
      {
        sync: 'syncDir behind rename new.ndjson.mark',
        why: 'the folder is synced again behind the sidecar, before the upgrade resolves',
      },
    ])
  })

  test('in place, by who finds it killed behind the rename of the log', async () => {
    const start = await killedUpgrading(`rename ${LOG}`)
    await missesEachSync<true>(start, upgrading(), inPlace, [
      { sync: 'sync shop.ndjson', why: 'the new log was synced before it got its name' },
    ])
  })
})
