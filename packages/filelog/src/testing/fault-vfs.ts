import type { OpenFlag, Vfs, VfsFile, VfsLock, VfsStat } from '../vfs.js'
import { systemError } from './mem-disk.js'

export type FaultOp =
  | 'open'
  | 'read'
  | 'write'
  | 'datasync'
  | 'sync'
  | 'truncate'
  | 'fstat'
  | 'chmod'
  | 'chown'
  | 'close'
  | 'stat'
  | 'resolve'
  | 'readdir'
  | 'mkdir'
  | 'rename'
  | 'unlink'
  | 'syncDir'
  | 'lock'

/** One call, counted from 0 over all calls, and from 0 over the calls of its kind. */
export interface FaultCall {
  readonly op: FaultOp
  readonly path: string
  readonly index: number
  readonly nth: number
}

/**
 * What a call does instead: fail with an error of the system before it did anything, or, for writes,
 * write only the first `short` bytes, and then report that number, or `error` if there is one.
 */
export type Fault =
  | { readonly error: string }
  | { readonly short: number; readonly error?: string }
  | null

/** Decides over each call. */
export type FaultRule = (call: FaultCall) => Fault

/** A `Vfs` that fails as its rule says, and counts. Locks and files work as the inner ones do. */
export interface FaultVfs extends Vfs {
  /** Every call so far, in order. */
  readonly calls: readonly FaultCall[]
  rule: FaultRule
}

interface Counter {
  readonly calls: FaultCall[]
  readonly counts: Map<FaultOp, number>
  rule: FaultRule
}

function next(counter: Counter, op: FaultOp, path: string): Fault {
  const nth = counter.counts.get(op) ?? 0
  counter.counts.set(op, nth + 1)
  const call = { op, path, index: counter.calls.length, nth }
  counter.calls.push(call)
  return counter.rule(call)
}

function hit(counter: Counter, op: FaultOp, path: string): void {
  const fault = next(counter, op, path)
  if (fault !== null && !('short' in fault)) throw systemError(fault.error, op, path)
}

class FaultFile implements VfsFile {
  readonly path: string
  readonly inner: VfsFile
  readonly #counter: Counter

  constructor(inner: VfsFile, counter: Counter) {
    this.path = inner.path
    this.inner = inner
    this.#counter = counter
  }

  async read(buffer: Uint8Array, offset: number, length: number, at: number): Promise<number> {
    hit(this.#counter, 'read', this.path)
    return await this.inner.read(buffer, offset, length, at)
  }

  async write(buffer: Uint8Array, offset: number, length: number, at: number): Promise<number> {
    return this.writeSync(buffer, offset, length, at)
  }

  writeSync(buffer: Uint8Array, offset: number, length: number, at: number): number {
    const fault = next(this.#counter, 'write', this.path)
    if (fault === null) return this.inner.writeSync(buffer, offset, length, at)
    if (!('short' in fault)) throw systemError(fault.error, 'write', this.path)
    const n = Math.min(fault.short, length)
    if (n > 0) this.inner.writeSync(buffer, offset, n, at)
    if (fault.error !== undefined) throw systemError(fault.error, 'write', this.path)
    return n
  }

  async datasync(): Promise<void> {
    hit(this.#counter, 'datasync', this.path)
    await this.inner.datasync()
  }

  async sync(): Promise<void> {
    hit(this.#counter, 'sync', this.path)
    await this.inner.sync()
  }

  async truncate(size: number): Promise<void> {
    hit(this.#counter, 'truncate', this.path)
    await this.inner.truncate(size)
  }

  async stat(): Promise<VfsStat> {
    return this.statSync()
  }

  statSync(): VfsStat {
    hit(this.#counter, 'fstat', this.path)
    return this.inner.statSync()
  }

  async chmod(mode: number): Promise<void> {
    hit(this.#counter, 'chmod', this.path)
    await this.inner.chmod(mode)
  }

  async chown(uid: number, gid: number): Promise<void> {
    hit(this.#counter, 'chown', this.path)
    await this.inner.chown(uid, gid)
  }

  async close(): Promise<void> {
    // As the system does it: the descriptor is gone, whatever close says.
    await this.inner.close()
    hit(this.#counter, 'close', this.path)
  }
}

/** Wraps a file system so that chosen calls fail. */
export function faultVfs(inner: Vfs, rule: FaultRule = () => null): FaultVfs {
  const counter: Counter = { calls: [], counts: new Map(), rule }
  const guarded = <T>(op: FaultOp, path: string, run: () => Promise<T>): Promise<T> =>
    Promise.resolve().then(() => {
      hit(counter, op, path)
      return run()
    })
  return {
    calls: counter.calls,
    get rule(): FaultRule {
      return counter.rule
    },
    set rule(to: FaultRule) {
      counter.rule = to
    },
    host: inner.host,
    open: (path: string, flag: OpenFlag, mode?: number) =>
      guarded('open', path, async () => new FaultFile(await inner.open(path, flag, mode), counter)),
    stat: (path) => guarded('stat', path, () => inner.stat(path)),
    resolve: (path) => guarded('resolve', path, () => inner.resolve(path)),
    readdir: (path) => guarded('readdir', path, () => inner.readdir(path)),
    mkdir: (path) => guarded('mkdir', path, () => inner.mkdir(path)),
    rename: (from, to) => guarded('rename', to, () => inner.rename(from, to)),
    unlink: (path) => guarded('unlink', path, () => inner.unlink(path)),
    syncDir: (path) => guarded('syncDir', path, () => inner.syncDir(path)),
    lock: (file: VfsFile, shared?: boolean): Promise<VfsLock | null> =>
      guarded('lock', file.path, async () => {
        if (!(file instanceof FaultFile)) throw new TypeError('the file is of another file system')
        return await inner.lock(file.inner, shared)
      }),
    freeBytes: (path) => inner.freeBytes(path),
    randomHex: (n) => inner.randomHex(n),
  }
}
