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
export {
  DEFAULT_SAMPLE_BYTES,
  runDrills,
  type DrillOptions,
  type DrillReport,
} from './drill/run.js'
export {
  DRILLS,
  type DrillName,
  type DrillResult,
  type DrillState,
  type DrillTools,
  type Expectation,
  type PapyraProcess,
} from './drill/types.js'
export type { Digest } from './drill/original.js'
export { openScratch, type ScratchOptions } from './scratch/open.js'
export {
  generateSigningKey,
  signReport,
  verifyReport,
  type KeyPair,
  type Signature,
  type SignedReport,
  type Verification,
} from './report/sign.js'
export {
  keepReport,
  findReports,
  parseReport,
  writeReport,
  type KeptReport,
  type ReportKind,
} from './report/ledger.js'
export {
  runReleaseGate,
  type ReleaseGateOptions,
  type ReleaseGateReport,
} from './gate/run.js'
export type { GateSettings } from './gate/work.js'
