import { describe, expect, it } from 'vitest'
import {
  cutAt,
  deleteLine,
  duplicateLine,
  everyFault,
  faultVfs,
  flipBit,
  lineRanges,
  memVfs,
  swapLines,
  zeroRange,
} from '../../src/testing/index.js'
import type { Vfs } from '../../src/vfs.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('faultVfs', () => {
  it('fails before the call does anything', async () => {
    const inner = memVfs()
    const vfs = faultVfs(inner, ({ op, nth }) =>
      op === 'truncate' && nth === 1 ? { error: 'EROFS' } : null,
    )
    const file = await vfs.open('/a', 'create')
    await file.truncate(5)
    await expect(file.truncate(1)).rejects.toMatchObject({ code: 'EROFS' })
    expect(inner.bytes('/a').length).toBe(5)
    await file.truncate(1)
    expect(vfs.calls.map(({ op, index, nth }) => `${index} ${op} ${nth}`)).toEqual([
      '0 open 0',
      '1 truncate 0',
      '2 truncate 1',
      '3 truncate 2',
    ])
  })

  it('writes short, with and without an error', async () => {
    const inner = memVfs()
    const vfs = faultVfs(inner)
    const file = await vfs.open('/a', 'create')
    vfs.rule = () => ({ short: 3 })
    expect(file.writeSync(bytes('hello'), 0, 5, 0)).toBe(3)
    expect(await file.write(bytes('hello'), 0, 5, 3)).toBe(3)
    vfs.rule = () => ({ short: 1, error: 'ENOSPC' })
    expect(() => file.writeSync(bytes('hello'), 4, 1, 6)).toThrow(/ENOSPC/)
    expect(inner.bytes('/a').toString()).toBe('helhelo')
  })

  it('locks through to the inner files', async () => {
    const inner = memVfs()
    const vfs = faultVfs(inner)
    const [a, b] = [await vfs.open('/a', 'create'), await inner.open('/a', 'read')]
    expect(await vfs.lock(a)).not.toBeNull()
    expect(await inner.lock(b)).toBeNull()
    await a.close()
    expect(await inner.lock(b)).not.toBeNull()
  })
})

describe('everyFault', () => {
  it('fails every call once, in every way', async () => {
    const seen: string[] = []
    const run = async (vfs: Vfs): Promise<void> => {
      const file = await vfs.open('/a', 'create')
      await file.write(bytes('ab'), 0, 2, 0)
      await file.datasync()
      await file.datasync()
    }
    const runs = await everyFault(
      () => memVfs(),
      async (vfs, sound, context) => {
        if (context === null) return await run(vfs)
        const { code } = await run(vfs).then(
          () => ({ code: 'none' }),
          (error: { code: string }) => error,
        )
        const size = (await sound.stat('/a'))?.size ?? -1
        seen.push(`${context.call.op} ${context.call.nth} ${context.mode}: ${code} ${size}`)
      },
      { faults: [{ error: 'EIO' }, { short: 1 }], ops: ['open', 'write', 'datasync'] },
    )
    expect(runs).toBe(10)
    expect(seen).toEqual([
      'open 0 once: EIO -1',
      'open 0 sticky: EIO -1',
      'write 0 once: EIO 0',
      'write 0 sticky: EIO 0',
      'write 0 once: none 1',
      'write 0 sticky: none 1',
      'datasync 0 once: EIO 2',
      'datasync 0 sticky: EIO 2',
      'datasync 1 once: EIO 2',
      'datasync 1 sticky: EIO 2',
    ])
  })
})

describe('corrupt', () => {
  it('damages copies, not what it is given', () => {
    const log = Buffer.from('one\ntwo\nthree')
    const said = (b: Buffer): string => b.toString('latin1')
    expect(said(flipBit(log, 9))).toBe('ole\ntwo\nthree')
    expect(said(zeroRange(log, 1, 3))).toBe('o\0\0\ntwo\nthree')
    expect(said(cutAt(log, 5))).toBe('one\nt')
    expect(said(deleteLine(log, 1))).toBe('one\nthree')
    expect(said(duplicateLine(log, 0))).toBe('one\none\ntwo\nthree')
    expect(said(swapLines(log, 0, 1))).toBe('two\none\nthree')
    expect(lineRanges(log)).toEqual([
      [0, 4],
      [4, 8],
      [8, 13],
    ])
    expect(() => deleteLine(log, 3)).toThrow(RangeError)
    expect(() => swapLines(log, 1, 0)).toThrow(RangeError)
    expect(said(log)).toBe('one\ntwo\nthree')
  })
})
