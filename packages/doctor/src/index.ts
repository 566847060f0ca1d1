export { runDoctor, type DoctorReport } from './run.js'
export {
  CHECKLIST_IDS,
  runChecklist,
  type ChecklistCheck,
  type ChecklistOptions,
  type ChecklistReport,
} from './checklist.js'
export type { ChecklistSettings } from './settings.js'
export {
  CHECK_STATES,
  type Check,
  type CheckCounts,
  type CheckState,
  type Mend,
} from './check.js'
