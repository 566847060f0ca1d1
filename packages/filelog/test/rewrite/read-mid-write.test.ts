import { expect, test } from 'vitest'
import type { Vfs, VfsFile } from '../../src/index.js'
import { memVfs } from '../../src/testing/index.js'
import * as segments from '../segments/support.js'
import { bySeq, filled, LOG, open, readAll } from './support.js'

/** A reader's view of the disk in which the `nth` look at the size of a file falls into a write. */
function midWrite(
  vfs: Vfs,
  nth: number,
  isLog: (path: string) => boolean,
): { vfs: Vfs; looks: () => number } {
  let looks = 0
  const cut = (file: VfsFile): VfsFile => {
    let left = nth
    const stat = async (): ReturnType<VfsFile['stat']> => {
      const real = await file.stat()
      if (--left !== 0) return real
      looks++
      return { ...real, size: real.size - 5 }
    }
    return new Proxy(file, {
      get(target, name) {
        if (name === 'stat') return stat
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }
  const proxy = new Proxy(vfs, {
    get(target, name) {
      if (name === 'open') {
        return async (path: string, flag: 'read') => {
          const file = await target.open(path, flag)
          return flag === 'read' && isLog(path) ? cut(file) : file
        }
      }
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  return { vfs: proxy, looks: () => looks }
}

test('a reader of a log that is being written to takes no write for damage', async () => {
  const vfs = memVfs()
  const records = await filled(vfs, 9, { close: false })
  const seen = midWrite(vfs, 1, (path) => path === LOG)
  const reader = await open(seen.vfs, { access: 'read' })
  expect(bySeq(await readAll(reader))).toEqual(bySeq(records))
  expect(seen.looks()).toBeGreaterThan(0)
  await reader.close()
})

test('a reader of a segment that is being written to takes no write for damage', async () => {
  const vfs = memVfs()
  const records = await segments.filled(vfs, 9, { close: false })
  const { active } = segments.manifestOf(vfs)
  const name = String(active.firstSeq).padStart(20, '0')
  // The first look is for what sort of file it is.
  const seen = midWrite(vfs, 2, (path) => path.includes(name) && path.endsWith('.ndjson'))
  const reader = await segments.open(seen.vfs, { access: 'read' })
  expect(bySeq(await segments.readAll(reader))).toEqual(bySeq(records))
  expect(seen.looks()).toBeGreaterThan(0)
  await reader.close()
})
