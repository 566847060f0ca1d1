import { copyFile, readdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import {
  cutAt,
  deleteRange,
  duplicateRange,
  flipBit,
  insertAt,
  lineRanges,
} from '@papyra/filelog/testing'
import type { DamageKit, DamageOutcome } from '@papyra/testkit'

/** The segment files of a store, in the order of their numbers, whose names say them. */
export async function segmentFiles(dir: string): Promise<string[]> {
  const names = await readdir(dir)
  return names
    .filter((name) => /^\d{20}-\d{8}\.ndjson$/.test(name))
    .sort()
    .map((name) => join(dir, name))
}

interface Place {
  readonly path: string
  readonly bytes: Buffer
  /** The record's line in it, its end included. */
  readonly start: number
  readonly end: number
}

/** Where the record with this number stands. */
async function placeOf(dir: string, seq: number): Promise<Place> {
  for (const path of await segmentFiles(dir)) {
    const bytes = await readFile(path)
    for (const [start, end] of lineRanges(bytes)) {
      const text = bytes.toString('utf8', start, end)
      if (text.startsWith(`{"seq":${seq},"kind":"`) && !text.includes('"kind":"_')) {
        return { path, bytes, start, end }
      }
    }
  }
  throw new Error(`there is no record ${seq}`)
}

interface Act extends DamageOutcome {
  apply(dir: string): Promise<void>
}

type Change = (place: Place) => Buffer

const inLine =
  (seq: number, change: Change) =>
  async (dir: string): Promise<void> => {
    const place = await placeOf(dir, seq)
    await writeFile(place.path, change(place))
  }

/** The last segment, which takes the appends. */
const active = async (dir: string): Promise<string> => (await segmentFiles(dir)).at(-1) ?? ''
const first = async (dir: string): Promise<string> => (await segmentFiles(dir))[0] ?? ''

const change =
  (which: (dir: string) => Promise<string>, to: (bytes: Buffer) => Buffer) =>
  async (dir: string): Promise<void> => {
    const path = await which(dir)
    await writeFile(path, to(await readFile(path)))
  }
const manifest = (dir: string): Promise<string> => Promise.resolve(join(dir, 'manifest.json'))

/** A sound line of another log: its checksum is right, but not here. */
const OPEN =
  '{"seq":8,"kind":"event","timestamp":1704067200,"system_id":"b","actor_address":null,"event_type":"x","payload":{}'
const FOREIGN = `${OPEN},"crc":"${crc32(OPEN, crc32('another log')).toString(16).padStart(8, '0')}"}\n`

const KEPT = { lossExpected: false, affected: [] } as const

const ACTS: Readonly<Record<string, Act>> = {
  'torn tail': {
    ...KEPT,
    expectCode: 'torn_tail',
    apply: change(active, (b) => insertAt(b, b.length, '{"seq":21,"kind":"even')),
  },
  'flipped bit in a sealed segment': {
    expectCode: 'corrupt_record',
    lossExpected: true,
    affected: [3],
    apply: inLine(3, ({ bytes, start }) => flipBit(bytes, (start + 50) * 8 + 1)),
  },
  'flipped bit in the active segment': {
    expectCode: 'corrupt_record',
    lossExpected: true,
    affected: [19],
    apply: inLine(19, ({ bytes, start }) => flipBit(bytes, (start + 50) * 8 + 1)),
  },
  'inserted garbage': {
    ...KEPT,
    expectCode: 'corrupt_record',
    apply: inLine(8, ({ bytes, start }) => insertAt(bytes, start, 'rebooting now\n')),
  },
  'a line of another log': {
    ...KEPT,
    expectCode: 'foreign_record',
    apply: inLine(8, ({ bytes, start }) => insertAt(bytes, start, FOREIGN)),
  },
  'deleted line': {
    expectCode: 'sequence_gap',
    lossExpected: true,
    affected: [9],
    apply: inLine(9, ({ bytes, start, end }) => deleteRange(bytes, start, end)),
  },
  'doubled line': {
    ...KEPT,
    expectCode: 'duplicate_record',
    apply: inLine(5, ({ bytes, start, end }) => duplicateRange(bytes, start, end)),
  },
  'glued line': {
    ...KEPT,
    expectCode: 'glued_line',
    apply: inLine(6, ({ bytes, start }) => insertAt(bytes, start, '{"seq":5,"ki')),
  },
  'carriage return': {
    ...KEPT,
    expectCode: 'stray_bytes',
    apply: inLine(6, ({ bytes, end }) => insertAt(bytes, end - 1, '\r')),
  },
  'active segment cut at a line': {
    expectCode: 'rolled_back',
    lossExpected: true,
    affected: [20],
    apply: inLine(20, ({ bytes, start }) => cutAt(bytes, start)),
  },
  'damaged head': {
    ...KEPT,
    expectCode: 'head_damaged',
    apply: change(first, (b) => flipBit(b, 300)),
  },
  'segment gone': {
    expectCode: 'missing_segment',
    lossExpected: true,
    async apply(dir) {
      await unlink((await segmentFiles(dir))[1] ?? '')
    },
  },
  'copy of a segment': {
    ...KEPT,
    expectCode: 'orphan_segment',
    async apply(dir) {
      const path = await first(dir)
      await copyFile(path, path.replace('.ndjson', ' (copy).ndjson'))
    },
  },
  'manifest gone': {
    ...KEPT,
    expectCode: 'manifest_damaged',
    beginRefuses: true,
    async apply(dir) {
      await unlink(await manifest(dir))
    },
  },
  'damaged manifest': {
    ...KEPT,
    expectCode: 'manifest_damaged',
    beginRefuses: true,
    apply: change(manifest, (b) => flipBit(b, 600)),
  },
  'mark gone': {
    ...KEPT,
    expectCode: 'mark_missing',
    async apply(dir) {
      await unlink(`${await active(dir)}.mark`)
    },
  },
}

/** Damages a closed store of segments, on the machine's own file system. */
export function damageKit(dir: string): DamageKit {
  return {
    kinds: Object.keys(ACTS),
    async apply(kind) {
      const act = ACTS[kind]
      if (act === undefined) throw new Error(`unknown damage: ${kind}`)
      const { apply, ...outcome } = act
      await apply(dir)
      return outcome
    },
  }
}
