import process from 'node:process'
import type { Vfs, VfsFile } from '@papyra/filelog'

/** An object whose methods are those of `target`, but for the ones given. */
function instead<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      const own = methods[name as keyof T]
      if (own !== undefined) return own
      const value = target[name as keyof T]
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/**
 * The machine's own file system, but the `nth` write to `file` puts half of its bytes on the disk
 * and then kills this process with SIGKILL: no handler runs, nothing is tidied up.
 */
export function dyingVfs(vfs: Vfs, nth: number, file: string): Vfs {
  let left = nth
  const mortal = (target: VfsFile): VfsFile =>
    instead<VfsFile>(target, {
      write: (...args) => {
        dieInTime(target, ...args)
        return target.write(...args)
      },
      writeSync: (...args) => {
        dieInTime(target, ...args)
        return target.writeSync(...args)
      },
    })
  const dieInTime = (target: VfsFile, ...args: Parameters<VfsFile['writeSync']>): void => {
    left--
    if (left > 0) return
    const [buffer, offset, length, position] = args
    target.writeSync(buffer, offset, Math.ceil(length / 2), position)
    process.kill(process.pid, 'SIGKILL')
    for (;;); // the signal is on its way; go no further
  }
  return instead<Vfs>(vfs, {
    async open(path, flag, mode) {
      const opened = await vfs.open(path, flag, mode)
      return path === file && flag !== 'read' ? mortal(opened) : opened
    },
  })
}
