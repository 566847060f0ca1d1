import type { Socket } from 'node:net'

/** What the log needs to know of a file. Times are nanoseconds since 1970. */
export interface VfsStat {
  readonly type: 'file' | 'directory' | 'symlink' | 'other'
  readonly size: number
  readonly inode: bigint
  readonly links: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/**
 * One open file. Nothing is promised about bytes that were written and not synced: after a power cut
 * each may be old, new or zero, and the size may be anything in between.
 */
export interface VfsFile {
  readonly path: string
  /** Reads up to `length` bytes at `position` into `buffer` at `offset`; 0 means end of file. */
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<number>
  /**
   * One write call. Resolves with the bytes really written, which may be fewer than `length` without
   * any error (a full disk does that): the caller must compare.
   */
  write(buffer: Uint8Array, offset: number, length: number, position: number): Promise<number>
  /** The same, blocking: cheaper than a thread hop for small buffers. */
  writeSync(buffer: Uint8Array, offset: number, length: number, position: number): number
  /** Makes the bytes and the size durable (fdatasync). After a failure nothing is known: never retry. */
  datasync(): Promise<void>
  /** Makes bytes and metadata durable (fsync). */
  sync(): Promise<void>
  truncate(size: number): Promise<void>
  stat(): Promise<VfsStat>
  statSync(): VfsStat
  chmod(mode: number): Promise<void>
  chown(uid: number, gid: number): Promise<void>
  close(): Promise<void>
}

/** How to open. `create` fails if the path exists; all refuse to follow a link in the last part. */
export type OpenFlag = 'read' | 'read-write' | 'create'

/** A held lock. It ends with its process at the latest. */
export interface VfsLock {
  release(): Promise<void>
}

/** A control socket that listens. */
export interface Listening {
  /** Where clients find it. */
  readonly path: string
  /** Takes no more clients and removes the socket's name, at once. */
  close(): void
}

/** Sockets that have a name in the file system. None of them keeps its process alive. */
export interface VfsSockets {
  /**
   * Listens at `path`, or, where that cannot be, at a place of its own. Only the user that this process
   * runs as may connect, at any time. A socket that a dead owner left at `path` is replaced. Throws
   * errors of the system.
   */
  listen(path: string, onClient: (socket: Socket) => void): Promise<Listening>
  /** A socket that is about to be connected; the usual events tell how that went. */
  connect(path: string): Socket
}

/** The file system as a port. Errors are Node's, with `code` (`ENOENT`, `ENOSPC`, …). */
export interface Vfs {
  open(path: string, flag: OpenFlag, mode?: number): Promise<VfsFile>
  /** Of the path itself, a link not followed; `null` if there is nothing. */
  stat(path: string): Promise<VfsStat | null>
  /** The absolute path with all links resolved; of a path that does not exist, its folder's and name. */
  resolve(path: string): Promise<string>
  readdir(path: string): Promise<string[]>
  /** Makes the folder and its parents; the new entries are synced. */
  mkdir(path: string): Promise<void>
  /** Atomic for whoever looks; durable only after `syncDir` of the folder. */
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** Makes creations, renames and removals in the folder durable. */
  syncDir(path: string): Promise<void>
  /**
   * Takes a lock of the kernel on the open file, exclusive unless `shared`; `null` if somebody else
   * holds it in a way that forbids that. Never waits. The lock belongs to the open file: releasing it
   * closes the file, and closing the file releases it.
   * Throws `lock_unavailable` where the system has none.
   */
  lock(file: VfsFile, shared?: boolean): Promise<VfsLock | null>
  /** Free bytes on the file system of `path`; `null` if unknown. */
  freeBytes(path: string): Promise<number | null>
  /** Who and where we are: for the owner's name, and to tell a killed process from a lost machine. */
  readonly host: { readonly pid: number; readonly hostname: string; readonly bootId: string }
  /** `n` random bytes as lower-case hex. */
  randomHex(n: number): string
  /** Absent where the file system knows no sockets: then owners cannot be asked. */
  readonly sockets?: VfsSockets
}
