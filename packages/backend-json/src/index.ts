export { jsonBackend } from './json-backend.js'
export type { JsonBackendOptions } from './options.js'
