import type { VfsFile } from '../../src/vfs.js'

/** Counts what is read from a file. */
export function countReads(file: VfsFile): { file: VfsFile; bytes: () => number } {
  let bytes = 0
  const counted = new Proxy(file, {
    get(target, name) {
      if (name === 'read') {
        return async (buffer: Uint8Array, offset: number, length: number, position: number) => {
          const n = await target.read(buffer, offset, length, position)
          bytes += n
          return n
        }
      }
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  return { file: counted, bytes: () => bytes }
}

/** A file whose bytes are made when they are read: for sizes that nobody wants on a disk. */
export function madeFile(
  size: number,
  fill: (buffer: Uint8Array, position: number) => void,
): VfsFile {
  const refuse = async (): Promise<never> => {
    throw new Error('a made file can only be read')
  }
  return {
    path: '/made.ndjson',
    async read(buffer, offset, length, position) {
      const n = Math.max(0, Math.min(length, size - position))
      if (n > 0) fill(buffer.subarray(offset, offset + n), position)
      return n
    },
    write: refuse,
    writeSync: () => {
      throw new Error('a made file can only be read')
    },
    datasync: refuse,
    sync: refuse,
    truncate: refuse,
    stat: async () => statOfSize(size),
    statSync: () => statOfSize(size),
    chmod: refuse,
    chown: refuse,
    close: async () => undefined,
  }
}

function statOfSize(size: number): Awaited<ReturnType<VfsFile['stat']>> {
  return {
    type: 'file',
    size,
    inode: 1n,
    links: 1,
    mode: 0o600,
    uid: 0,
    gid: 0,
    mtimeNs: 1n,
    ctimeNs: 1n,
  }
}
