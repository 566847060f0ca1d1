export { rotationBackend } from './rotation-backend.js'
export type { RotationBackendOptions, SegmentOptions } from './options.js'
