export { backendConformance, type ConformanceOptions } from './backend-conformance.js'
export type { Subject, DamageKit, DamageOutcome, PlantedRecord } from './subject.js'
export {
  CHECK_GROUPS,
  runCheck,
  whySkipped,
  type Check,
  type CheckGroup,
  type CheckOutcome,
  type Need,
} from './check.js'
export type { CheckSettings } from './check-settings.js'
export { CONFORMANCE_CHECKS } from './all-checks.js'
export { World } from './world.js'
export {
  eventFact,
  auditFact,
  deadLetterFact,
  factOf,
  mixedFacts,
  type FactOptions,
} from './facts.js'
export {
  factArbitrary,
  policyArbitrary,
  queryArbitrary,
  rawJsonArbitrary,
  timeArbitrary,
  timeOf,
  type TimeChoice,
} from './arbitraries.js'
export {
  ArrayModel,
  isUsableTime,
  planByModel,
  selectRecords,
  type ModelDrop,
  type ModelPlan,
} from './model.js'
