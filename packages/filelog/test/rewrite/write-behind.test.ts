import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WriteBehind } from '../../src/rewrite/write-behind.js'
import { memVfs } from '../../src/testing/index.js'
import type { VfsFile } from '../../src/vfs.js'

const MIB = 1024 * 1024

interface Watched {
  readonly file: VfsFile
  readonly calls: string[]
  readonly content: () => Promise<Buffer>
}

/** A file whose calls are noted; `fail` says which of them fail. `keeps` false forgets the bytes. */
async function watched(
  fail: (call: string, n: number) => boolean,
  keeps: boolean,
): Promise<Watched> {
  const real = await memVfs().open('/new', 'create')
  const calls: string[] = []
  const call = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    calls.push(name)
    if (fail(name, calls.filter((one) => one === name).length)) {
      throw Object.assign(new Error('the device is gone'), { code: 'EIO' })
    }
    return work()
  }
  const file = new Proxy(real, {
    get(target, name) {
      if (name === 'write') {
        return (bytes: Uint8Array, offset: number, length: number, position: number) =>
          call('write', async () =>
            keeps ? await target.write(bytes, offset, length, position) : length,
          )
      }
      if (name === 'datasync') return () => call('datasync', () => target.datasync())
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  const content = async (): Promise<Buffer> => {
    const { size } = await real.stat()
    const bytes = Buffer.alloc(size)
    await real.read(bytes, 0, size, 0)
    return bytes
  }
  return { file, calls, content }
}

const never = (): boolean => false
const ignore = (): void => undefined

describe('writing behind', () => {
  it('writes what was put, in its order, and sums all but what it is not to', async () => {
    const size = fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: MIB - 3, max: MIB + 3 }))
    const puts = fc.array(
      fc.record({ how: fc.constantFrom('line', 'bytes', 'unsummed'), size, fill: fc.nat(255) }),
      { maxLength: 8 },
    )
    await fc.assert(
      fc.asyncProperty(puts, async (all) => {
        const { file, content } = await watched(never, true)
        const summed: Buffer[] = []
        const out = new WriteBehind(file, 0, (bytes, start, end) => {
          summed.push(Buffer.from(bytes.subarray(start, end)))
        })
        const written: Buffer[] = []
        const toSum: Buffer[] = []
        for (const put of all) {
          const chunk = Buffer.alloc(put.size, put.fill)
          if (put.how === 'line') await out.putLine(chunk, 0, chunk.length)
          else if (put.how === 'bytes') await out.put(chunk, 0, chunk.length)
          else await out.putUnsummed(chunk)
          const whole = Buffer.alloc(put.size + (put.how === 'line' ? 1 : 0), put.fill)
          if (put.how === 'line') whole[put.size] = 0x0a
          written.push(whole)
          if (put.how !== 'unsummed') toSum.push(whole)
          // From here on the caller may use it again.
          chunk.fill(0)
          expect(out.size).toBe(written.reduce((sum, { length }) => sum + length, 0))
        }
        await out.finish()
        expect((await content()).equals(Buffer.concat(written))).toBe(true)
        expect(Buffer.concat(summed).equals(Buffer.concat(toSum))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('begins a sync every 32 MiB', async () => {
    const { file, calls } = await watched(never, false)
    const out = new WriteBehind(file, 0, ignore)
    const chunk = Buffer.alloc(MIB)
    for (let n = 0; n < 100; n++) await out.put(chunk, 0, chunk.length)
    await out.finish()
    expect(calls.filter((name) => name === 'datasync')).toHaveLength(3)
  })

  it('tells of a write that failed, and writes nothing behind it', async () => {
    const { file, calls } = await watched((name, n) => name === 'write' && n === 2, false)
    const out = new WriteBehind(file, 0, ignore)
    const chunk = Buffer.alloc(MIB)
    const work = async (): Promise<void> => {
      for (let n = 0; n < 10; n++) await out.put(chunk, 0, chunk.length)
      await out.finish()
    }
    await expect(work()).rejects.toMatchObject({ code: 'io_error' })
    await expect(out.finish()).rejects.toMatchObject({ code: 'io_error' })
    await out.settle()
    expect(calls).toEqual(['write', 'write'])
  })

  it('tells of the last write and of a sync along the way only in finish, but tells of them', async () => {
    const last = await watched((name) => name === 'write', false)
    const one = new WriteBehind(last.file, 0, ignore)
    await one.put(Buffer.alloc(10), 0, 10)
    await expect(one.finish()).rejects.toMatchObject({ code: 'io_error' })
    const sync = await watched((name) => name === 'datasync', false)
    const other = new WriteBehind(sync.file, 0, ignore)
    const chunk = Buffer.alloc(MIB)
    for (let n = 0; n < 40; n++) await other.put(chunk, 0, chunk.length)
    await expect(other.finish()).rejects.toMatchObject({ code: 'io_error' })
    await expect(other.sync()).rejects.toMatchObject({ code: 'io_error' })
    expect(sync.calls.filter((name) => name === 'datasync')).toHaveLength(1)
  })
})
