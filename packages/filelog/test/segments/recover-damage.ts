import { Buffer } from 'node:buffer'
import type { AnomalyCode } from '@papyra/contracts'
import { FORMAT } from '../../src/format/head.js'
import { decodeManifest, encodeManifest } from '../../src/segments/manifest.js'
import {
  cutAt,
  deleteLine,
  duplicateLine,
  flipBit,
  insertAt,
  lineRanges,
  memVfs,
  swapLines,
  type MemVfs,
} from '../../src/testing/index.js'
import { lineOf } from '../rewrite/damage.js'
import { DIR, filled, MANIFEST, remove, rename, segmentAt } from './recover-support.js'

export interface Damage {
  readonly name: string
  readonly code: AnomalyCode
  /** Numbers that are gone for good: recovery must record them as lost. */
  readonly lost: readonly number[]
  readonly force?: boolean
  readonly apply: (vfs: MemVfs) => Promise<void>
}

/** The store that is damaged holds so many records: segments from 1, 4, 7, and the active from 10. */
export const COUNT = 12

type Change = (bytes: Buffer) => Buffer

function edit(firstSeq: number, change: Change): Damage['apply'] {
  return async (vfs) => {
    const path = await segmentAt(vfs, firstSeq)
    vfs.put(path, change(vfs.bytes(path)))
  }
}

function editMark(change: Change): Damage['apply'] {
  return async (vfs) => {
    const path = `${await segmentAt(vfs, 10)}.mark`
    vfs.put(path, change(vfs.bytes(path)))
  }
}

function rangeOf(bytes: Buffer, seq: number): [number, number] {
  return lineRanges(bytes)[lineOf(bytes, seq)] as [number, number]
}

const flipIn =
  (seq: number): Change =>
  (b) =>
    flipBit(b, (rangeOf(b, seq)[0] + 40) * 8)
const flipHead: Change = (b) => flipBit(b, 30 * 8)

function flipFirstMark(bytes: Buffer): Buffer {
  const mark = lineRanges(bytes).find(([from, to]) =>
    bytes.toString('latin1', from, to).includes('"kind":"_block"'),
  )
  if (mark === undefined) throw new Error('there is no block mark')
  return flipBit(bytes, (mark[0] + 30) * 8)
}

async function gone(vfs: MemVfs, firstSeq: number): Promise<void> {
  await remove(vfs, await segmentAt(vfs, firstSeq))
}

async function swap(vfs: MemVfs, first: number, second: number): Promise<void> {
  const [a, b] = [await segmentAt(vfs, first), await segmentAt(vfs, second)]
  const [one, other] = [vfs.bytes(a), vfs.bytes(b)]
  vfs.put(a, other)
  vfs.put(b, one)
}

/** A segment of another store. */
async function foreign(): Promise<Buffer> {
  const other = memVfs({ seed: 99 })
  await filled(other, 6)
  return other.bytes(await segmentAt(other, 4))
}

/** What the manifest said while its last sealed segment was still the active one. */
function olderManifest(bytes: Buffer): string {
  const result = decodeManifest(bytes, FORMAT)
  const last = result.state === 'ok' ? result.manifest.segments.at(-1) : undefined
  if (result.state !== 'ok' || last === undefined) throw new Error('there is no such manifest')
  const { manifest } = result
  const { firstSeq, generation, created } = last
  return encodeManifest({
    ...manifest,
    edit: manifest.edit - 2,
    clean: false,
    closed: null,
    nextSeq: firstSeq,
    segments: manifest.segments.slice(0, -1),
    active: { firstSeq, generation, created },
  })
}

const ORPHAN = `${DIR}/00000000000000000002-00000001.ndjson`

/** One of each class that a recovery treats differently. */
export const DAMAGES: readonly Damage[] = [
  {
    name: 'torn tail',
    code: 'torn_tail',
    lost: [],
    apply: edit(10, (b) => Buffer.concat([b, Buffer.from('{"seq":13,"kind":"ev')])),
  },
  {
    name: 'NUL tail',
    code: 'torn_tail',
    lost: [],
    apply: edit(10, (b) => Buffer.concat([b, Buffer.alloc(70)])),
  },
  {
    name: 'a flipped bit in a sealed segment',
    code: 'corrupt_record',
    lost: [5],
    apply: edit(4, flipIn(5)),
  },
  {
    name: 'a deleted line in a sealed segment',
    code: 'sequence_gap',
    lost: [8],
    apply: edit(7, (b) => deleteLine(b, lineOf(b, 8))),
  },
  {
    name: 'a doubled line in a sealed segment',
    code: 'duplicate_record',
    lost: [],
    apply: edit(4, (b) => duplicateLine(b, lineOf(b, 4))),
  },
  {
    name: 'swapped lines in a sealed segment',
    code: 'out_of_order',
    lost: [],
    apply: edit(4, (b) => swapLines(b, lineOf(b, 4), lineOf(b, 6))),
  },
  {
    name: 'a glued line in a sealed segment',
    code: 'glued_line',
    lost: [],
    apply: edit(4, (b) => insertAt(b, rangeOf(b, 5)[0], '{"seq":4,"ki')),
  },
  {
    name: 'the head of a sealed segment',
    code: 'head_damaged',
    lost: [],
    apply: edit(4, flipHead),
  },
  {
    name: 'a block mark of a sealed segment',
    code: 'block_mark_damaged',
    lost: [],
    apply: edit(4, flipFirstMark),
  },
  {
    name: 'bytes behind a sealed segment',
    code: 'torn_tail',
    lost: [],
    apply: edit(4, (b) => Buffer.concat([b, Buffer.from('{"seq":7,"ki')])),
  },
  {
    name: 'a sealed segment that was cut',
    code: 'rolled_back',
    lost: [6],
    apply: edit(4, (b) => cutAt(b, rangeOf(b, 6)[0])),
  },
  {
    name: 'an emptied sealed segment',
    code: 'rolled_back',
    lost: [4, 5, 6],
    apply: edit(4, () => Buffer.alloc(0)),
  },
  {
    name: 'a missing segment',
    code: 'missing_segment',
    lost: [4, 5, 6],
    apply: (vfs) => gone(vfs, 4),
  },
  {
    name: 'a missing oldest segment',
    code: 'missing_segment',
    lost: [1, 2, 3],
    apply: (vfs) => gone(vfs, 1),
  },
  {
    name: 'a missing segment and a flipped bit in another',
    code: 'missing_segment',
    lost: [5, 7, 8, 9],
    apply: async (vfs) => {
      await edit(4, flipIn(5))(vfs)
      await gone(vfs, 7)
    },
  },
  {
    name: 'a misplaced segment',
    code: 'misplaced_segment',
    lost: [],
    apply: async (vfs) => rename(vfs, await segmentAt(vfs, 4), ORPHAN),
  },
  {
    name: 'two swapped segments',
    code: 'misplaced_segment',
    lost: [],
    apply: (vfs) => swap(vfs, 4, 7),
  },
  {
    name: 'an orphan',
    code: 'orphan_segment',
    lost: [],
    apply: async (vfs) => vfs.put(ORPHAN, vfs.bytes(await segmentAt(vfs, 4))),
  },
  {
    name: 'a segment of another store',
    code: 'foreign_log',
    lost: [],
    apply: async (vfs) => vfs.put(ORPHAN, await foreign()),
  },
  {
    name: 'a segment of another store in the place of one',
    code: 'foreign_log',
    lost: [4, 5, 6],
    force: true,
    apply: async (vfs) => vfs.put(await segmentAt(vfs, 4), await foreign()),
  },
  {
    name: 'no manifest',
    code: 'manifest_damaged',
    lost: [],
    apply: (vfs) => remove(vfs, MANIFEST),
  },
  {
    name: 'a damaged manifest',
    code: 'manifest_damaged',
    lost: [],
    apply: async (vfs) => vfs.put(MANIFEST, flipBit(vfs.bytes(MANIFEST), 900)),
  },
  {
    name: 'no manifest, and a flipped bit in a sealed segment',
    code: 'manifest_damaged',
    lost: [5],
    apply: async (vfs) => {
      await edit(4, flipIn(5))(vfs)
      await remove(vfs, MANIFEST)
    },
  },
  {
    name: 'a manifest from before the last rotation',
    code: 'manifest_damaged',
    lost: [],
    apply: async (vfs) => vfs.put(MANIFEST, olderManifest(vfs.bytes(MANIFEST))),
  },
  {
    name: 'no manifest, and a flipped bit in the active segment',
    code: 'manifest_damaged',
    lost: [11],
    apply: async (vfs) => {
      await edit(10, flipIn(11))(vfs)
      await remove(vfs, MANIFEST)
    },
  },
  {
    name: 'no manifest, and a missing segment',
    code: 'manifest_damaged',
    lost: [4, 5, 6],
    apply: async (vfs) => {
      await gone(vfs, 4)
      await remove(vfs, MANIFEST)
    },
  },
  {
    name: 'no active segment',
    code: 'missing_segment',
    lost: [10, 11, 12],
    apply: (vfs) => gone(vfs, 10),
  },
  {
    name: 'a flipped bit in the active segment',
    code: 'corrupt_record',
    lost: [11],
    apply: edit(10, flipIn(11)),
  },
  {
    name: 'a glued line in the active segment',
    code: 'glued_line',
    lost: [],
    apply: edit(10, (b) => insertAt(b, rangeOf(b, 11)[0], '{"seq":4,"ki')),
  },
  {
    name: 'the head of the active segment',
    code: 'head_damaged',
    lost: [],
    apply: edit(10, flipHead),
  },
  {
    name: 'an active segment that was cut',
    code: 'rolled_back',
    lost: [12],
    apply: edit(10, (b) => cutAt(b, rangeOf(b, 12)[0])),
  },
  {
    name: 'an emptied active segment',
    code: 'rolled_back',
    lost: [10, 11, 12],
    apply: edit(10, () => Buffer.alloc(0)),
  },
  {
    name: 'a misplaced active segment',
    code: 'misplaced_segment',
    lost: [],
    apply: async (vfs) => rename(vfs, await segmentAt(vfs, 10), ORPHAN),
  },
  {
    name: 'no mark',
    code: 'mark_missing',
    lost: [],
    apply: async (vfs) => remove(vfs, `${await segmentAt(vfs, 10)}.mark`),
  },
  {
    name: 'a damaged mark',
    code: 'mark_damaged',
    lost: [],
    apply: editMark((b) => flipBit(flipBit(b, 400), 4800)),
  },
  {
    name: 'a damaged slot of the mark',
    code: 'mark_damaged',
    lost: [],
    apply: editMark((b) => flipBit(b, 400)),
  },
]

export function damageCalled(name: string): Damage {
  const found = DAMAGES.find((damage) => damage.name === name)
  if (found === undefined) throw new Error(name)
  return found
}
