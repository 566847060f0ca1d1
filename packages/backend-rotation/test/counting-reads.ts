import type { Vfs } from '@papyra/filelog'

/** A file system that counts the bytes that are read of segments and logs. */
export function countingReads(vfs: Vfs): { readonly vfs: Vfs; readonly bytes: () => number } {
  let bytes = 0
  const open: Vfs['open'] = async (path, flag, mode) => {
    const file = await vfs.open(path, flag, mode)
    if (!path.endsWith('.ndjson')) return file
    return wrapped(file, {
      read: async (buffer, offset, length, position) => {
        const n = await file.read(buffer, offset, length, position)
        bytes += n
        return n
      },
    })
  }
  return { vfs: wrapped(vfs, { open }), bytes: () => bytes }
}

/** The same object, but for some methods. */
function wrapped<T extends object>(inner: T, methods: Partial<T>): T {
  return new Proxy(inner, {
    get(target, name) {
      const own: unknown = Reflect.get(methods, name)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
