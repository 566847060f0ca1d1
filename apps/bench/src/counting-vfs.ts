import { type Vfs, type VfsFile, nodeVfs } from '@papyra/filelog'

/** The machine's file system, and how many bytes were read of each file. */
export function countingVfs(): { readonly vfs: Vfs; readonly read: ReadonlyMap<string, number> } {
  const read = new Map<string, number>()
  const inner = new WeakMap<VfsFile, VfsFile>()
  const counting = (file: VfsFile): VfsFile => {
    const counted: VfsFile = {
      path: file.path,
      async read(buffer, offset, length, position) {
        const n = await file.read(buffer, offset, length, position)
        read.set(file.path, (read.get(file.path) ?? 0) + n)
        return n
      },
      write: (...args) => file.write(...args),
      writeSync: (...args) => file.writeSync(...args),
      datasync: () => file.datasync(),
      sync: () => file.sync(),
      truncate: (size) => file.truncate(size),
      stat: () => file.stat(),
      statSync: () => file.statSync(),
      chmod: (mode) => file.chmod(mode),
      chown: (uid, gid) => file.chown(uid, gid),
      close: () => file.close(),
    }
    inner.set(counted, file)
    return counted
  }
  const vfs: Vfs = {
    ...nodeVfs,
    open: async (path, flag, mode) => counting(await nodeVfs.open(path, flag, mode)),
    lock: (file, shared) => nodeVfs.lock(inner.get(file) ?? file, shared),
  }
  return { vfs, read }
}
