import type { RecoveryReport } from '@papyra/contracts'
import { describe, expect, test } from 'vitest'
import { decodeManifest } from '../../src/segments/manifest.js'
import { segmentName } from '../../src/segments/names.js'
import { makeSegment } from '../../src/segments/new-segment.js'
import { memVfs, type MemVfs } from '../../src/testing/index.js'
import { compactTo } from './compact-support.js'
import { DIR, filled, MANIFEST, open, recordsIn, remove, rename } from './recover-support.js'

function at(firstSeq: number, generation: number): string {
  return `${DIR}/${segmentName({ firstSeq, generation })}`
}

async function recover(vfs: MemVfs): Promise<RecoveryReport> {
  const store = await open(vfs)
  try {
    return await store.recover({ mode: 'repair', acceptLoss: true, force: true })
  } finally {
    await store.close()
  }
}

/** Flips a bit within the record with this number, for good. */
async function flip(vfs: MemVfs, path: string, seq: number): Promise<void> {
  const bytes = vfs.bytes(path)
  const offset = bytes.indexOf(`{"seq":${seq},`) + 60
  const file = await vfs.open(path, 'read-write')
  await file.write(Uint8Array.of((bytes[offset] ?? 0) ^ 1), 0, 1, offset)
  await file.sync()
  await file.close()
}

/** The names of the files in which these bytes stand. */
async function standsIn(vfs: MemVfs, line: string): Promise<string[]> {
  const names = await vfs.readdir(DIR)
  return names.filter((name) => vfs.bytes(`${DIR}/${name}`).includes(line))
}

/** The store as it was at every operation of a recovery, each of them as if it was killed there. */
async function killedAnywhere(vfs: MemVfs): Promise<MemVfs[]> {
  const shots: MemVfs[] = []
  vfs.onOp = () => void shots.push(vfs.clone())
  await recover(vfs).catch(() => null)
  vfs.onOp = undefined
  return [...shots, vfs]
}

describe('a sealed segment under the name that the recovery would give', () => {
  // In generation 2, as the next recovery would make it, and one that several recoveries made.
  test.each([2, 3, 40, 60_000_000, 99_999_999])(
    'to itself, of generation %i',
    async (generation) => {
      const vfs = memVfs()
      const before = await filled(vfs, 7)
      await rename(vfs, at(1, 1), at(1, generation))
      for (const shot of await killedAnywhere(vfs)) {
        const report = await recover(shot)
        expect(report.losses).toEqual([])
        expect(report.after?.clean ?? true).toBe(true)
        expect(recordsIn(shot)).toEqual(before)
      }
    },
  )

  test('to the new active segment, the old one being damaged', async () => {
    const vfs = memVfs()
    const before = await filled(vfs, 7)
    await rename(vfs, at(1, 1), at(8, 2))
    await flip(vfs, at(7, 1), 7)
    const left = new Map([...before].filter(([seq]) => seq !== 7))
    for (const shot of await killedAnywhere(vfs)) {
      await recover(shot)
      expect(recordsIn(shot)).toEqual(left)
      const store = await open(shot)
      expect((await store.scan()).losses.map(({ seq }) => seq)).toEqual([{ first: 7, last: 7 }])
      await store.close()
    }
  })

  test('is never what an interrupted attempt left of a new segment', async () => {
    const vfs = memVfs()
    await filled(vfs, 7)
    const bytes = vfs.bytes(at(1, 1))
    const manifest = decodeManifest(vfs.bytes(MANIFEST), 1)
    if (manifest.state !== 'ok') throw new Error(manifest.state)
    const { logId } = manifest.manifest
    const id = { firstSeq: 1, generation: 1, logId, created: 0, blockBytes: 300 }
    await expect(makeSegment(vfs, DIR, id, null)).rejects.toMatchObject({ code: 'io_error' })
    expect(vfs.bytes(at(1, 1))).toEqual(bytes)
  })
})

function isThere(vfs: MemVfs, path: string): boolean {
  try {
    return vfs.bytes(path).length > 0
  } catch {
    return false
  }
}

/** A compaction that took record 1 out was killed as it came to an operation. */
async function compactionKilled(op: 'unlink' | 'rename', path: string): Promise<MemVfs> {
  const vfs = memVfs()
  await filled(vfs, 7)
  const store = await open(vfs)
  let shot: MemVfs | null = null
  vfs.onOp = (now) => {
    if (now.name !== op || now.path !== path || shot !== null) return
    if (isThere(vfs, at(1, 2))) shot = vfs.clone()
  }
  await compactTo(store, (seq) => seq !== 1)
  vfs.onOp = undefined
  await store.close()
  if (shot === null) throw new Error('the compaction did no such thing')
  return shot
}

describe('what is obsolete is kept while something is missing or damaged', () => {
  test('the original of a damaged compacted segment', async () => {
    const vfs = await compactionKilled('unlink', at(1, 1))
    const line = recordsIn(vfs).get(3) ?? ''
    await flip(vfs, at(1, 2), 3)
    for (const shot of await killedAnywhere(vfs)) {
      await recover(shot)
      expect(await standsIn(shot, line)).not.toEqual([])
      expect((await recover(shot)).changed).toBe(false)
    }
  })

  test('what a compaction was about to take, the original being gone', async () => {
    const vfs = await compactionKilled('rename', MANIFEST)
    const line = recordsIn(vfs).get(3) ?? ''
    await remove(vfs, at(1, 1))
    for (const shot of await killedAnywhere(vfs)) {
      await recover(shot)
      expect(await standsIn(shot, line)).not.toEqual([])
      expect((await recover(shot)).changed).toBe(false)
    }
  })

  test('by an owner that lets the damage pass, too', async () => {
    const vfs = await compactionKilled('unlink', at(1, 1))
    const line = recordsIn(vfs).get(3) ?? ''
    await flip(vfs, at(1, 2), 3)
    const store = await open(vfs)
    await store.begin({ onDamage: 'set_tail_aside' }).catch(() => null)
    await store.close()
    expect(await standsIn(vfs, line)).not.toEqual([])
    await recover(vfs)
    expect(await standsIn(vfs, line)).not.toEqual([])
  })

  test('and goes where nothing is', async () => {
    const vfs = await compactionKilled('unlink', at(1, 1))
    const store = await open(vfs)
    expect((await store.scan()).clean).toBe(true)
    await store.begin()
    await store.close()
    expect(await vfs.readdir(DIR)).not.toContain(segmentName({ firstSeq: 1, generation: 1 }))
  })
})
