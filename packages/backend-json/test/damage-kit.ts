import { readFile, unlink, writeFile } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { DamageKit, DamageOutcome } from '@papyra/testkit'
import {
  cutAt,
  deleteLine,
  duplicateLine,
  flipBit,
  insertAt,
  lineRanges,
  swapLines,
} from '@papyra/filelog/testing'

interface Act extends DamageOutcome {
  /** The file, by what its name adds to the log's. Default the log itself. */
  readonly suffix?: '' | '.mark' | '.meta.json'
  /** `null` removes the file. Line 0 is the head, line n the record n. */
  readonly change: (bytes: Buffer) => Buffer | null
}

const start = (bytes: Buffer, line: number): number => lineRanges(bytes)[line]?.[0] ?? -1
const end = (bytes: Buffer, line: number): number => lineRanges(bytes)[line]?.[1] ?? -1

/** A sound line of another log: its checksum is right, but not here. */
const OPEN =
  '{"seq":8,"kind":"event","timestamp":1704067200,"system_id":"b","actor_address":null,"event_type":"x","payload":{}'
const FOREIGN = `${OPEN},"crc":"${crc32(OPEN, crc32('another log')).toString(16).padStart(8, '0')}"}\n`

const ACTS: Readonly<Record<string, Act>> = {
  'torn tail': {
    expectCode: 'torn_tail',
    lossExpected: false,
    affected: [],
    change: (b) => insertAt(b, b.length, '{"seq":21,"kind":"even'),
  },
  'NUL tail': {
    expectCode: 'torn_tail',
    lossExpected: false,
    affected: [],
    change: (b) => insertAt(b, b.length, Buffer.alloc(100)),
  },
  'flipped bit': {
    expectCode: 'corrupt_record',
    lossExpected: true,
    affected: [9],
    change: (b) => flipBit(b, (start(b, 9) + 50) * 8 + 1),
  },
  'inserted garbage': {
    expectCode: 'corrupt_record',
    lossExpected: false,
    affected: [],
    change: (b) => insertAt(b, start(b, 8), 'rebooting now\n'),
  },
  'a line of another log': {
    expectCode: 'foreign_record',
    lossExpected: false,
    affected: [],
    change: (b) => insertAt(b, start(b, 8), FOREIGN),
  },
  'deleted line': {
    expectCode: 'sequence_gap',
    lossExpected: true,
    affected: [7],
    change: (b) => deleteLine(b, 7),
  },
  'doubled line': {
    expectCode: 'duplicate_record',
    lossExpected: false,
    affected: [],
    change: (b) => duplicateLine(b, 5),
  },
  'swapped lines': {
    expectCode: 'out_of_order',
    lossExpected: false,
    affected: [],
    change: (b) => swapLines(b, 4, 11),
  },
  'glued line': {
    expectCode: 'glued_line',
    lossExpected: false,
    affected: [],
    change: (b) => insertAt(b, start(b, 6), '{"seq":5,"ki'),
  },
  'carriage return': {
    expectCode: 'stray_bytes',
    lossExpected: false,
    affected: [],
    change: (b) => insertAt(b, end(b, 6) - 1, '\r'),
  },
  'cut at a line': {
    expectCode: 'rolled_back',
    lossExpected: true,
    affected: [18, 19, 20],
    change: (b) => cutAt(b, start(b, 18)),
  },
  'damaged head': {
    expectCode: 'head_damaged',
    lossExpected: false,
    affected: [],
    beginRefuses: true,
    change: (b) => flipBit(b, 300),
  },
  'log gone': {
    expectCode: 'rolled_back',
    lossExpected: true,
    beginRefuses: true,
    change: () => null,
  },
  'sidecar gone': {
    suffix: '.meta.json',
    expectCode: 'sidecar_missing',
    lossExpected: false,
    affected: [],
    change: () => null,
  },
  'damaged sidecar': {
    suffix: '.meta.json',
    expectCode: 'sidecar_damaged',
    lossExpected: false,
    affected: [],
    change: (b) => flipBit(b, 600),
  },
  'mark gone': {
    suffix: '.mark',
    expectCode: 'mark_missing',
    lossExpected: false,
    affected: [],
    change: () => null,
  },
  'damaged mark': {
    suffix: '.mark',
    expectCode: 'mark_damaged',
    lossExpected: false,
    affected: [],
    change: (b) => flipBit(flipBit(b, 800), 5000),
  },
}

/** Damages a closed log and what stands beside it, on the machine's own file system. */
export function damageKit(log: string): DamageKit {
  return {
    kinds: Object.keys(ACTS),
    async apply(kind) {
      const act = ACTS[kind]
      if (act === undefined) throw new Error(`unknown damage: ${kind}`)
      const { change, suffix = '', ...outcome } = act
      const path = `${log}${suffix}`
      const changed = change(await readFile(path))
      if (changed === null) await unlink(path)
      else await writeFile(path, changed)
      return outcome
    },
  }
}
