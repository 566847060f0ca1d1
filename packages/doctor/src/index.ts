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
export { EXPLAINED_CODES, explainCode, type CodeStory } from './explain/code.js'
export { explainPlace, type PlaceStory } from './explain/place.js'
export type { ByteWindow, DumpRow } from './explain/dump.js'
