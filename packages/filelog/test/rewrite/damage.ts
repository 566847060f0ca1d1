import { Buffer } from 'node:buffer'
import {
  cutAt,
  deleteLine,
  deleteRange,
  duplicateLine,
  flipBit,
  insertAt,
  lineRanges,
  swapLines,
  zeroRange,
  type MemVfs,
} from '../../src/testing/index.js'
import { LOG } from './support.js'

export interface Damage {
  readonly name: string
  /** Numbers that are gone for good: recovery must record them as lost. */
  readonly lost: readonly number[]
  readonly apply: (vfs: MemVfs) => void
}

const MARK = `${LOG}.mark`
const META = `${LOG}.meta.json`

function edit(change: (bytes: Buffer) => Buffer, path: string = LOG): Damage['apply'] {
  return (vfs) => vfs.put(path, change(vfs.bytes(path)))
}

/** The place of the record `seq` among the lines: block marks stand between them. */
export function lineOf(bytes: Buffer, seq: number): number {
  const start = Buffer.from(`{"seq":${seq},"kind":"event"`)
  return lineRanges(bytes).findIndex(([from]) =>
    bytes.subarray(from, from + start.length).equals(start),
  )
}

function rangeOf(bytes: Buffer, seq: number): [number, number] {
  return lineRanges(bytes)[lineOf(bytes, seq)] as [number, number]
}

function firstMark(bytes: Buffer): number {
  return lineRanges(bytes).findIndex(([from, to]) =>
    bytes.toString('latin1', from, to).includes('"kind":"_block"'),
  )
}

/** One of each class that a repair treats differently, on a store with the records 1 to 12. */
export const DAMAGES: readonly Damage[] = [
  {
    name: 'torn tail',
    lost: [],
    apply: edit((b) => Buffer.concat([b, Buffer.from('{"seq":13,"kind":"ev')])),
  },
  { name: 'NUL tail', lost: [], apply: edit((b) => Buffer.concat([b, Buffer.alloc(70)])) },
  {
    name: 'glued line',
    lost: [],
    apply: edit((b) => insertAt(b, rangeOf(b, 5)[0], '{"seq":4,"ki')),
  },
  {
    name: 'two records on a line',
    lost: [],
    apply: edit((b) => deleteRange(b, rangeOf(b, 5)[1] - 1, rangeOf(b, 5)[1])),
  },
  { name: 'flipped bit', lost: [6], apply: edit((b) => flipBit(b, (rangeOf(b, 6)[0] + 40) * 8)) },
  {
    name: 'a stretch of zeros',
    lost: [6, 7],
    apply: edit((b) => zeroRange(b, rangeOf(b, 6)[0] + 9, rangeOf(b, 7)[1] - 9)),
  },
  { name: 'deleted line', lost: [7], apply: edit((b) => deleteLine(b, lineOf(b, 7))) },
  { name: 'doubled line', lost: [], apply: edit((b) => duplicateLine(b, lineOf(b, 4))) },
  { name: 'swapped lines', lost: [], apply: edit((b) => swapLines(b, lineOf(b, 3), lineOf(b, 8))) },
  { name: 'cut at a line', lost: [12], apply: edit((b) => cutAt(b, rangeOf(b, 12)[0])) },
  {
    name: 'carriage returns',
    lost: [],
    apply: edit((b) => insertAt(b, rangeOf(b, 4)[1] - 1, '\r')),
  },
  { name: 'blank line', lost: [], apply: edit((b) => insertAt(b, rangeOf(b, 4)[0], '\n')) },
  { name: 'head damaged', lost: [], apply: edit((b) => flipBit(b, 30 * 8)) },
  { name: 'head gone', lost: [], apply: edit((b) => deleteLine(b, 0)) },
  {
    name: 'head gone, sidecar and mark empty',
    lost: [],
    apply: (vfs) => {
      vfs.put(LOG, deleteLine(vfs.bytes(LOG), 0))
      vfs.put(MARK, '')
      vfs.put(META, '')
    },
  },
  {
    name: 'block mark damaged',
    lost: [],
    apply: edit((b) => flipBit(b, ((lineRanges(b)[firstMark(b)]?.[0] ?? 0) + 30) * 8)),
  },
  { name: 'sidecar damaged', lost: [], apply: edit((b) => flipBit(b, 400), META) },
  { name: 'mark damaged', lost: [], apply: edit((b) => flipBit(flipBit(b, 400), 4800), MARK) },
  { name: 'a slot of the mark damaged', lost: [], apply: edit((b) => flipBit(b, 400), MARK) },
]
