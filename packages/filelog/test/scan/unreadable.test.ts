import { describe, expect, it } from 'vitest'
import { scanLog } from '../../src/scan/scan-log.js'
import type { VfsFile } from '../../src/vfs.js'
import { buildLog, keptRecords, lineOf, LOG, putStore } from './build-log.js'

/** A device that gives an error for each read that touches a range. */
function brokenAt(file: VfsFile, from: number, to: number, code: string): VfsFile {
  return new Proxy(file, {
    get(target, name) {
      if (name === 'read') {
        return async (buffer: Uint8Array, offset: number, length: number, position: number) => {
          if (position < to && position + length > from) {
            throw Object.assign(new Error(`${code}: i/o error, read`), { code })
          }
          return target.read(buffer, offset, length, position)
        }
      }
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

const log = buildLog({ last: 600, blockBytes: 4096 })
const from = 40_960
const to = 45_056

async function scanBroken(code: string): ReturnType<typeof scanLog> {
  const vfs = await putStore(log)
  const open = vfs.open.bind(vfs)
  vfs.open = async (path, flag, mode) => {
    const file = await open(path, flag, mode)
    return path === LOG ? brokenAt(file, from, to, code) : file
  }
  return scanLog(vfs, LOG)
}

describe('a part that the device does not give', () => {
  it('is named, and costs no more than the records in it', async () => {
    const scan = await scanBroken('EIO')
    expect(scan.anomalyCounts).toEqual({ unreadable: 1 })
    const [first] = scan.anomalies
    const hit = log.lines.filter(
      ({ what, offset, end }) => what === 'record' && offset < to && end > from,
    )
    expect(first?.offset).toBeLessThanOrEqual(from)
    expect((first?.offset ?? 0) + (first?.length ?? 0)).toBeGreaterThanOrEqual(to)
    expect(first?.loss).toBe(true)
    const kept = keptRecords(log.bytes, scan)
    for (const { seq } of log.lines.filter(({ what }) => what === 'record')) {
      if (!hit.some((line) => line.seq === seq)) expect(kept.has(seq), String(seq)).toBe(true)
    }
    expect(kept.has(lineOf(log, 'record', 600).seq)).toBe(true)
    expect(600 - kept.size).toBe(first?.records)
  })

  it('with any other error nothing is guessed', async () => {
    await expect(scanBroken('EACCES')).rejects.toMatchObject({ code: 'unreadable' })
  })
})
