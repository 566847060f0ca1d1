export { nodeVfs } from './write/node-vfs.js'
export type { Vfs, VfsFile, VfsLock, VfsStat, OpenFlag } from './vfs.js'
export {
  openLogStore,
  createLogStore,
  type CreateLogOptions,
  type LogStoreOptions,
} from './rewrite/open-store.js'
export type { LogStore } from './rewrite/log-store.js'
export type { Keep } from './rewrite/keep.js'
export type { CompactRequest, CompactResult } from './rewrite/store-compact.js'
