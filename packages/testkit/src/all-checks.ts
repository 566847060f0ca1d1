import type { Check } from './check.js'
import { appendChecks } from './groups/append.js'
import { compactionChecks } from './groups/compaction.js'
import { harnessChecks } from './groups/harness.js'
import { lifecycleChecks } from './groups/lifecycle.js'
import { metricsChecks } from './groups/metrics.js'
import { modelChecks } from './groups/model.js'
import { planChecks } from './groups/plans.js'
import { portChecks } from './groups/ports.js'
import { readChecks } from './groups/read.js'
import { recoveryChecks } from './groups/recovery.js'
import { retentionChecks } from './groups/retention.js'
import { scanChecks } from './groups/scan.js'
import { unsupportedChecks } from './groups/unsupported.js'

/** Every check of the suite, in the order of `CHECK_GROUPS`. */
export const CONFORMANCE_CHECKS: readonly Check[] = [
  ...harnessChecks,
  ...lifecycleChecks,
  ...portChecks,
  ...appendChecks,
  ...readChecks,
  ...retentionChecks,
  ...compactionChecks,
  ...planChecks,
  ...scanChecks,
  ...recoveryChecks,
  ...metricsChecks,
  ...unsupportedChecks,
  ...modelChecks,
]
