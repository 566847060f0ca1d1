import { Buffer } from 'node:buffer'
import {
  closeSync,
  copyFileSync,
  cpSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { rotationBackend } from '@papyra/backend-rotation'
import { makeSegments, syncDir } from './segments.js'
import { median, type Row } from './table.js'

/**
 * Has the system's free memory been used just before: in a virtual machine the first use of a page costs
 * more than the copy into it, and whoever comes first would pay for both.
 */
function warm(dir: string, bytes: number): void {
  const path = join(dir, 'warm')
  const fd = openSync(path, 'w')
  const part = Buffer.allocUnsafeSlow(1_048_576).fill(1)
  for (let at = 0; at < bytes; at += part.length) writeSync(fd, part)
  closeSync(fd)
  unlinkSync(path)
}

/** A copy of the store, whose segments are known to be right. */
async function rewriteCopy(store: string, copy: string, maxRecords: number): Promise<number> {
  cpSync(store, copy, { recursive: true })
  // Else its own write-back would be in the way.
  for (const name of readdirSync(copy)) syncDir(join(copy, name))
  const opened = await rotationBackend({ dir: copy }).open({ access: 'write' })
  await opened.scan()
  warm(join(copy, '..'), (await opened.describe()).bytes)
  const start = performance.now()
  const report = await opened.compact({ policy: { maxRecords } })
  const ms = performance.now() - start
  await opened.close()
  if (report.verified !== true) throw new Error('the compaction was not verified')
  rmSync(copy, { recursive: true })
  return ms
}

interface Times {
  readonly ours: number
  /** cp, and a sync of the copy. */
  readonly copied: number
  /** The same, and rm of a file as large as the segment. */
  readonly replaced: number
  /** The same, and the copy read back. */
  readonly checked: number
}

function copyHalf(half: string, whole: string): Omit<Times, 'ours'> {
  const [copy, old] = [`${half}.copy`, `${half}.old`]
  copyFileSync(whole, old)
  syncDir(old)
  warm(join(half, '..'), statSync(whole).size)
  const start = performance.now()
  copyFileSync(half, copy)
  syncDir(copy)
  const copied = performance.now() - start
  unlinkSync(old)
  const replaced = performance.now() - start
  const buffer = Buffer.allocUnsafeSlow(1_048_576)
  const fd = openSync(copy, 'r')
  while (readSync(fd, buffer, 0, buffer.length, null) > 0);
  closeSync(fd)
  const checked = performance.now() - start
  unlinkSync(copy)
  return { copied, replaced, checked }
}

interface Measured extends Times {
  /** Bytes of the segment. */
  readonly bytes: number
}

/** Rewriting one segment of which half stays, and copying as many bytes. */
async function measure(dir: string, bytes: number, rounds: number): Promise<Measured> {
  const place = join(dir, 'rewrite')
  const segments = (await makeSegments(place, bytes * 1.02, bytes)).segments ?? []
  const [first] = segments
  if (first === undefined) throw new Error('there is no segment')
  const half = join(dir, 'rewrite-half')
  copyFileSync(first.path, half)
  truncateSync(half, Math.floor(statSync(half).size / 2))
  syncDir(half)
  const others = segments.slice(1).reduce((sum, { records }) => sum + records, 0)
  const kept = others + Math.floor(first.records / 2)
  const times: Times[] = []
  for (let round = 0; round < rounds; round++) {
    const copied = copyHalf(half, first.path)
    times.push({ ours: await rewriteCopy(place, join(dir, 'rewrite-copy'), kept), ...copied })
  }
  for (const one of [place, half]) rmSync(one, { recursive: true, force: true })
  const middle = (of: keyof Times): number => median(times.map((time) => time[of]))
  return {
    bytes: first.bytes,
    ours: middle('ours'),
    copied: middle('copied'),
    replaced: middle('replaced'),
    checked: middle('checked'),
  }
}

const PEERS = [
  ['cp + sync of the half', 'copied'],
  ['that, rm of the old', 'replaced'],
  ['that, reading it back', 'checked'],
] as const

/**
 * Rewriting one segment of which half stays beside a copy, synced, of as many bytes; and what each
 * further byte costs: what a rewrite costs whatever its size (the plan, three manifests) is left out.
 */
export async function rewriting(dir: string, bytes: number, rounds: number): Promise<Row[]> {
  const small = await measure(dir, bytes, rounds)
  const large = await measure(dir, 4 * bytes, rounds)
  const mb = (of: number): string => (of / 1e6).toFixed(0)
  const row = (question: string, peer: string, ours: number, theirs: number): Row => ({
    ...{ question, peer, ratio: ours / theirs, better: 'lower', floor: 1.5 },
    figures: `${ours.toFixed(0)} against ${theirs.toFixed(0)} ms`,
  })
  const further = `each further MB of ${mb(large.bytes - small.bytes)}`
  return [
    ...[small, large].flatMap((one) =>
      PEERS.map(([peer, key]) =>
        row(`rewriting a segment of ${mb(one.bytes)} MB, half stays`, peer, one.ours, one[key]),
      ),
    ),
    ...PEERS.map(([peer, key]) =>
      row(`rewriting: ${further}`, peer, large.ours - small.ours, large[key] - small[key]),
    ),
  ]
}
