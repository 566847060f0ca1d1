export {
  createHealth,
  type Health,
  type HealthOptions,
  type HealthState,
  type HealthCode,
  type Readiness,
} from './health.js'
export type { StartupStatus } from './startup-progress.js'
export { healthHandler, type Endpoint, type HandlerOptions, type WebHandler } from './handler.js'
export { prometheusName } from './metric-names.js'
