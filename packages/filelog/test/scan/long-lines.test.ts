import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { checksum, hex8, seedOf } from '../../src/format/checksum.js'
import { encodeHead } from '../../src/format/head.js'
import { forEachLine } from '../../src/scan/for-each-line.js'
import { readBackward } from '../../src/scan/read-backward.js'
import { readForward } from '../../src/scan/read-forward.js'
import { scanLog } from '../../src/scan/scan-log.js'
import { memVfs } from '../../src/testing/index.js'
import type { VfsFile } from '../../src/vfs.js'
import { buildLog, LOG, recordLine, short } from './build-log.js'
import { madeFile } from './counting-file.js'

const GIB = 1024 ** 3
const seed = seedOf('log-a')
const head = encodeHead({ ...buildLog({ last: 0 }).head, blockBytes: 2 * GIB })

/** A log of which record 2 is one line of about `length` bytes; only what is not a run of `a` is in memory. */
function logWithLongLine(
  length: number,
  damaged: boolean,
): { file: VfsFile; lineAt: number; lineEnd: number } {
  const open = '{"seq":2,"kind":"event","timestamp":1710000002,"system_id":"shop","text":"'
  let state = checksum(open, seed)
  const chunk = Buffer.alloc(1 << 20, 'a')
  for (let left = length; left > 0; left -= chunk.length)
    state = checksum(chunk.subarray(0, Math.min(left, chunk.length)), state)
  const close = `","crc":"${hex8(checksum('"', state))}"}\n`
  const before = Buffer.from(head + recordLine(1, seed) + open)
  const behind = Buffer.from(close + recordLine(3, seed))
  if (damaged) behind[3] = 0x58
  const size = before.length + length + behind.length
  const file = madeFile(size, (buffer, position) => {
    buffer.fill(0x61)
    for (const [bytes, at] of [
      [before, 0],
      [behind, before.length + length],
    ] as const) {
      const from = Math.max(position, at)
      const to = Math.min(position + buffer.length, at + bytes.length)
      if (to > from) buffer.set(bytes.subarray(from - at, to - at), from - position)
    }
  })
  return {
    file,
    lineAt: before.length - open.length,
    lineEnd: before.length + length + close.length,
  }
}

async function scanMade(file: VfsFile): Promise<Awaited<ReturnType<typeof scanLog>>> {
  const vfs = memVfs()
  vfs.put(LOG, 'x')
  const stat = await file.stat()
  const made: VfsFile = {
    ...file,
    stat: async () => ({ ...stat, inode: (await vfs.stat(LOG))?.inode ?? 0n }),
  }
  vfs.open = async (path, flag) => {
    if (path === LOG && flag === 'read') return made
    throw Object.assign(new Error('none'), { code: 'ENOENT' })
  }
  return scanLog(vfs, LOG)
}

describe('a line of 1 GiB', () => {
  it('is verified in constant memory: length alone is no damage', async () => {
    const { file } = logWithLongLine(GIB, false)
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const counted: VfsFile = {
      ...file,
      read: (...args) => {
        most = Math.max(most, process.memoryUsage().arrayBuffers)
        return file.read(...args)
      },
    }
    const scan = await scanMade(counted)
    expect(scan.anomalyCounts).toEqual({ sidecar_missing: 1, mark_missing: 1 })
    expect(scan).toMatchObject({ records: 3, lastSeq: 3, bytesSound: true })
    expect(most - before).toBeLessThan(32 * 1024 * 1024)
  })

  it('that is damaged is one find, and the records around it are kept', async () => {
    const { file, lineAt, lineEnd } = logWithLongLine(200 << 20, true)
    const scan = await scanMade(file)
    expect(short(scan)[0]).toBe(`corrupt_record @${lineAt}+${lineEnd - lineAt} seq 2 n1 lost`)
    expect(scan).toMatchObject({ records: 2, lastSeq: 3 })
  })
})

describe('lines over 64 MiB', () => {
  it('are told by their place to who copies', async () => {
    const length = 70 << 20
    const { file, lineAt, lineEnd } = logWithLongLine(length, false)
    const { size } = await file.stat()
    const seen: unknown[] = []
    await forEachLine(
      file,
      { from: head.length, to: size, seed },
      (_chunk, start, end, offset, header, sound, all, bytes) => {
        seen.push([header?.seq, sound, end - start, offset, all, bytes])
      },
    )
    expect(seen[1]).toEqual([2, true, 0, lineAt, lineEnd - lineAt, lineEnd - lineAt - 1])
    expect(seen.length).toBe(3)
  })

  it('are not handed over as a value, but can be passed over', async () => {
    const { file } = logWithLongLine(70 << 20, false)
    const { size } = await file.stat()
    const source = { file, size, seed, start: head.length }
    for (const read of [readForward, readBackward]) {
      await expect(
        (async () => {
          for await (const _ of read(source));
        })(),
      ).rejects.toMatchObject({ code: 'unsupported', details: { seq: 2 } })
      const got: number[] = []
      for await (const { seq } of read(source, { afterSeq: 2 })) got.push(seq)
      for await (const { seq } of read(source, { beforeSeq: 2 })) got.push(seq)
      expect(got).toEqual([3, 1])
    }
  })
})

describe('forEachLine', () => {
  it('hands over lines up to 64 MiB whole, and what lacks its end', async () => {
    const { file, lineAt, lineEnd } = logWithLongLine(5 << 20, false)
    const seen: number[] = []
    await forEachLine(
      file,
      { from: lineAt, to: lineEnd - 1, seed },
      (_c, start, end, offset, _h, sound, length, bytes) => {
        seen.push(end - start, offset, sound ? 1 : 0, length, bytes)
      },
    )
    const n = lineEnd - lineAt - 1
    expect(seen).toEqual([n, lineAt, 1, n, n])
  })

  it('leaves out blank lines and stray bytes', async () => {
    const line = recordLine(1, seed)
    const vfs = memVfs()
    const text = `\uFEFF${line.trimEnd()} \r\n\n\t\n${line}bad\n`
    vfs.put(LOG, text)
    const seen: unknown[] = []
    await forEachLine(
      await vfs.open(LOG, 'read'),
      { from: 0, to: Buffer.byteLength(text), seed },
      (chunk, start, end, offset, header, sound) => {
        seen.push([chunk.toString('utf8', start, end), offset, header?.seq ?? null, sound])
      },
    )
    const whole = line.trimEnd()
    expect(seen).toEqual([
      [whole, 3, 1, true],
      [whole, 3 + whole.length + 6, 1, true],
      ['bad', 3 + whole.length + 6 + line.length, null, false],
    ])
  })
})
