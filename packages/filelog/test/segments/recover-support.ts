import { manualClock } from '@papyra/contracts'
import { FORMAT } from '../../src/format/head.js'
import { decodeManifest } from '../../src/segments/manifest.js'
import { createSegmentStore, openSegmentStore } from '../../src/segments/open.js'
import type { SegmentStoreOptions } from '../../src/segments/open.js'
import { parseSegmentName, segmentName } from '../../src/segments/names.js'
import type { SegmentStore } from '../../src/segments/segment-store.js'
import type { Vfs } from '../../src/index.js'
import type { MemVfs } from '../../src/testing/index.js'
import { facts } from '../rewrite/support.js'

export const DIR = '/data/store'
export const MANIFEST: string = `${DIR}/manifest.json`

/** Three records to a segment, and blocks so small that a segment has several marks. */
const SEAL = { maxRecords: 3 }
const BLOCK_BYTES = 300

export function open(vfs: Vfs, options: Partial<SegmentStoreOptions> = {}): Promise<SegmentStore> {
  return openSegmentStore(vfs, DIR, {
    backend: 'rotation',
    access: 'write',
    clock: manualClock(),
    waitLockMs: 0,
    seal: SEAL,
    ...options,
  })
}

/** The lines of all records in the segments that the manifest names, by number, byte for byte. */
export function recordsIn(vfs: MemVfs): ReadonlyMap<number, string> {
  const result = decodeManifest(vfs.bytes(MANIFEST), FORMAT)
  if (result.state !== 'ok') throw new Error(`the manifest is ${result.state}`)
  const { segments, active } = result.manifest
  const all = new Map<number, string>()
  for (const id of [...segments, active]) {
    const text = vfs.bytes(`${DIR}/${segmentName(id)}`).toString()
    for (const line of text.split('\n')) {
      const found = /^\{"seq":(\d+),"kind":"[^_]/.exec(line)
      if (found !== null) all.set(Number(found[1]), line)
    }
  }
  return all
}

export async function create(vfs: Vfs): Promise<void> {
  await createSegmentStore(vfs, DIR, { clock: manualClock(), blockBytes: BLOCK_BYTES })
}

/** A store with the records from 1 to `count`: three in each segment, the last ones in the active. */
export async function filled(
  vfs: MemVfs,
  count: number,
  options: { readonly close?: boolean; readonly halfway?: (n: number) => Promise<void> } = {},
): Promise<ReadonlyMap<number, string>> {
  await create(vfs)
  const store = await open(vfs)
  await store.begin()
  for (let n = 1; n <= count; n += 3) {
    await store.append(facts(n, Math.min(3, count - n + 1)))
    await options.halfway?.(n)
  }
  if (options.close !== false) await store.close()
  return recordsIn(vfs)
}

/** Path of the segment that begins with a number, of the newest generation there is. */
export async function segmentAt(vfs: Vfs, firstSeq: number): Promise<string> {
  const ids = (await vfs.readdir(DIR)).flatMap((name) => {
    const id = parseSegmentName(name)
    return id === null || id.firstSeq !== firstSeq ? [] : [id]
  })
  const newest = ids.sort((a, b) => b.generation - a.generation)[0]
  if (newest === undefined) throw new Error(`no segment begins with ${firstSeq}`)
  return `${DIR}/${segmentName(newest)}`
}

/** Removes a file for good. */
export async function remove(vfs: MemVfs, path: string): Promise<void> {
  await vfs.unlink(path)
  await vfs.syncDir(DIR)
}

/** Gives a file another name for good. */
export async function rename(vfs: MemVfs, from: string, to: string): Promise<void> {
  await vfs.rename(from, to)
  await vfs.syncDir(DIR)
}
