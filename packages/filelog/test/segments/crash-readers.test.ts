// A reader in another process looks at a file's size while its owner is in the middle of a write call.
import { expect, test } from 'vitest'
import { openLogStore, openSegmentStore, type Vfs } from '../../src/index.js'
import type { VfsFile } from '../../src/vfs.js'
import { memVfs, type MemVfs } from '../../src/testing/index.js'
import * as log from '../rewrite/support.js'
import * as segments from './support.js'

/**
 * The machine for a reader: the `nth` look at the size of `path` sees the first 100 bytes of a batch,
 * which is whole, and acknowledged, before the reader does anything else.
 */
function inMidWrite(
  machine: MemVfs,
  path: string,
  { nth, rest }: { readonly nth: number; readonly rest: () => Promise<unknown> },
): Vfs {
  let looks = 0
  const seen = (file: VfsFile): VfsFile => ({
    path: file.path,
    read: (...args) => file.read(...args),
    write: (...args) => file.write(...args),
    writeSync: (...args) => file.writeSync(...args),
    datasync: () => file.datasync(),
    sync: () => file.sync(),
    truncate: (size) => file.truncate(size),
    async stat() {
      const stat = await file.stat()
      if (++looks !== nth) return stat
      await rest()
      return { ...stat, size: stat.size + 100 }
    },
    statSync: () => file.statSync(),
    chmod: (mode) => file.chmod(mode),
    chown: (uid, gid) => file.chown(uid, gid),
    close: () => file.close(),
  })
  const vfs = machine.fork()
  const open = vfs.open.bind(vfs)
  vfs.open = async (at, flag, mode) => {
    const file = await open(at, flag, mode)
    return at === path ? seen(file) : file
  }
  return vfs
}

test('one file: half a batch is no damage', async () => {
  const machine = memVfs()
  await log.create(machine)
  const owner = await log.open(machine)
  await owner.begin()
  await owner.append(log.facts(1, 2))
  const rest = (): Promise<unknown> => owner.append(log.facts(3, 2))
  const vfs = inMidWrite(machine, log.LOG, { nth: 1, rest })
  const reader = await openLogStore(vfs, log.LOG, { backend: 'json', access: 'read' })
  expect((await log.readAll(reader)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
  await reader.close()
  await owner.close()
})

test('segments: half a batch is no damage', async () => {
  const machine = memVfs()
  await segments.create(machine)
  const owner = await segments.open(machine)
  await owner.begin()
  await owner.append(log.facts(1, 2))
  const rest = (): Promise<unknown> => owner.append(log.facts(3, 2))
  const path = segments.segmentPaths(machine).at(-1) ?? ''
  // The first look is whether it is a file at all.
  const vfs = inMidWrite(machine, path, { nth: 2, rest })
  const reader = await openSegmentStore(vfs, segments.DIR, { backend: 'rotation', access: 'read' })
  expect((await segments.readAll(reader)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
  await reader.close()
  await owner.close()
})
