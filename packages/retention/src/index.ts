export { validatePolicy, isUnbounded, diffPolicies } from './policy.js'
export { planRetention, verdict, type Metas, type PlanOptions } from './plan.js'
export { keepsKinds, planGroups, type GroupPlan } from './plan-groups.js'
export { encodePlanId, decodePlanId, type PlanKey } from './plan-id.js'
export {
  readPlanRequest,
  requireFresh,
  type PlanRequest,
  type StoreState,
} from './plan-request.js'
export type { KindSummary, Summary } from './summary.js'
export type { RetentionPlan, PlanRule, AgeRule, SizeRule, Amount, Verdict } from './plan-types.js'
export { createLiveView, isStreamable, type LiveView, type LiveViewOptions } from './live-view.js'
export {
  checkClock,
  assertSafe,
  type ClockFacts,
  type ClockReading,
  type SafetyOptions,
} from './clock-guard.js'
export { explain } from './explain.js'
export { isUsableTimestamp, CLOCK_TOLERANCE_MS, OLDEST_USABLE_MS } from './timestamps.js'
