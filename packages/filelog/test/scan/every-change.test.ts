import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { markPath, sidecarPath } from '../../src/format/names.js'
import { scanLog } from '../../src/scan/scan-log.js'
import {
  buildLog,
  keptRecords,
  lostNumbers,
  LOG,
  putStore,
  short,
  textOf,
  type BuiltLog,
} from './build-log.js'

const LOGS: Record<string, BuiltLog> = {
  'a log with three blocks': buildLog({ last: 8, blockBytes: 300 }),
  'a log that ends with a mark': buildLog({ last: 4, blockBytes: 300, endWithMark: true }),
  'a compacted log': buildLog({
    compacted: 14,
    keeps: (seq) => [2, 3, 5, 9, 10, 12].includes(seq),
    last: 16,
    blockBytes: 300,
  }),
}

/** Everything that must hold after one line was hit; gives what does not. */
function complain(
  log: BuiltLog,
  bytes: Buffer,
  scan: Awaited<ReturnType<typeof scanLog>>,
  hit: { from: number; to: number },
): string[] {
  const out: string[] = []
  const line = log.lines.find(({ offset, end }) => offset <= hit.from && hit.from < end)
  const all = short(scan)
  if (all.length !== 1) out.push(`${all.length} anomalies`)
  const first = scan.anomalies[0]
  if (line === undefined || first === undefined) return [...out, 'none']
  const offset = first.offset ?? -1
  if (offset < line.offset || offset > line.end)
    out.push(`at ${offset}, the line is ${line.offset} to ${line.end}`)
  const kept = keptRecords(bytes, scan)
  const lost = lostNumbers(scan)
  for (const other of log.lines) {
    if (other.what !== 'record' || other.offset >= hit.from) continue
    if (other === line) continue
    if (kept.get(other.seq) !== textOf(log, other).trimEnd()) out.push(`${other.seq} not kept`)
  }
  const named = log.seqs.filter((seq) => !kept.has(seq))
  // Where the mark of a block is gone with its records, it is known how many are lost, and where.
  const unnamed = named.filter((seq) => !lost.named.includes(seq))
  if (!lost.named.every((seq) => named.includes(seq)) || lost.unnamed !== unnamed.length) {
    out.push(`lost ${lost.named} and ${lost.unnamed}, gone ${named}`)
  }
  const region = hit.to - hit.from > 1 ? log.head.compactedThrough : 0
  if (unnamed.some((seq) => seq > region)) out.push(`${unnamed} not named`)
  if (scan.bytesSound) out.push('said to be sound')
  return out
}

describe.each(Object.entries(LOGS))('every change of %s', (_name, log) => {
  it('every flipped bit is one anomaly, at its line, and costs no other record', async () => {
    const vfs = await putStore(log)
    const wrong: string[] = []
    for (let bit = 0; bit < log.bytes.length * 8; bit++) {
      const bytes = Buffer.from(log.bytes)
      const at = bit >> 3
      bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7))
      vfs.put(LOG, bytes)
      const scan = await scanLog(vfs, LOG)
      const found = complain(log, bytes, scan, { from: at, to: at + 1 })
      const line = log.lines.find(({ offset, end }) => offset <= at && at < end)
      for (const other of log.lines) {
        if (
          other.what !== 'record' ||
          other === line ||
          scan.keep.some((k) => k.firstSeq <= other.seq && other.seq <= k.lastSeq)
        )
          continue
        found.push(`${other.seq} was not hit and is not kept`)
      }
      if (found.length > 0)
        wrong.push(
          `bit ${bit & 7} of byte ${at} (${line?.what} ${line?.seq}): ${found.join('; ')} [${short(scan).join(' | ')}]`,
        )
    }
    expect(wrong.slice(0, 20)).toEqual([])
  })

  it('every truncation is one anomaly, at its line, and says what is gone', async () => {
    const vfs = await putStore(log)
    const wrong: string[] = []
    for (let size = 0; size < log.bytes.length; size++) {
      const bytes = log.bytes.subarray(0, size)
      vfs.put(LOG, bytes)
      const scan = await scanLog(vfs, LOG)
      const found = complain(log, bytes, scan, { from: size, to: log.bytes.length })
      if (found.length > 0)
        wrong.push(`cut to ${size}: ${found.join('; ')} [${short(scan).join(' | ')}]`)
    }
    expect(wrong.slice(0, 20)).toEqual([])
  })
})

describe.each([
  ['sidecar', sidecarPath(LOG), 'sidecar_damaged'],
  ['mark', markPath(LOG), 'mark_damaged'],
])('every change of the %s', (_name, path, code) => {
  it('every flipped bit and every truncation is found, and nothing else is', async () => {
    const log = LOGS['a compacted log'] as BuiltLog
    const vfs = await putStore(log)
    const original = vfs.bytes(path)
    const wrong: string[] = []
    const look = async (what: string): Promise<void> => {
      const scan = await scanLog(vfs, LOG)
      const codes = new Set(scan.anomalies.map((anomaly) => anomaly.code))
      const places = scan.anomalies.every(
        (anomaly) => anomaly.path === path && anomaly.offset !== null,
      )
      if (
        codes.size !== 1 ||
        !codes.has(code as never) ||
        !places ||
        !scan.bytesSound ||
        scan.losses.length > 0
      ) {
        wrong.push(`${what}: ${short(scan).join(' | ')}`)
      }
    }
    for (let bit = 0; bit < original.length * 8; bit++) {
      const bytes = Buffer.from(original)
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
      vfs.put(path, bytes)
      await look(`bit ${bit}`)
    }
    for (let size = 0; size < original.length; size++) {
      vfs.put(path, original.subarray(0, size))
      await look(`cut to ${size}`)
    }
    expect(wrong.slice(0, 20)).toEqual([])
  })
})
