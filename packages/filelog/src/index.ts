export { nodeVfs } from './write/node-vfs.js'
export type { Vfs, VfsFile, VfsLock, VfsStat, OpenFlag } from './vfs.js'
export {
  openLogStore,
  createLogStore,
  type CreateLogOptions,
  type LogStoreOptions,
} from './rewrite/open-store.js'
export type { LogStore } from './rewrite/log-store.js'
export type { LogPart } from './rewrite/summaries.js'
export type { Keep } from './rewrite/keep.js'
export type { CompactRequest, CompactResult } from './rewrite/store-compact.js'
export {
  openSegmentStore,
  createSegmentStore,
  type SegmentStoreOptions,
} from './segments/open.js'
export type { SegmentStore } from './segments/segment-store.js'
export type { SealLimits } from './segments/segment-core.js'
export type { SegmentId } from './segments/names.js'
export type { KindFigures } from './format/figures.js'
export type { Manifest } from './segments/manifest.js'
export type { BlockView } from './rewrite/block-views.js'
export type { SegmentView, SegmentsView } from './segments/view.js'
export type {
  SegmentVerdict,
  SegmentsCompactRequest,
  SegmentsCompactResult,
  SegmentsPlan,
} from './segments/compact-types.js'
export { AccountsFile } from './write/accounts-file.js'
export { ControlPort } from './control/control-port.js'
export type { Begun, OnBegun } from './control/begun.js'
export type { Served } from './control/server.js'
