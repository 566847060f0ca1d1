import {
  ANOMALY_CODES,
  ERROR_CODES,
  NOTICE_CODES,
  STARTUP_MODES,
  type AnomalyCode,
  type AnomalyExplanation,
  type NoticeCode,
  type PapyraErrorCode,
  type StartupMode,
} from '@papyra/contracts'
import { ANOMALY_CAUSES, ERROR_CAUSES } from './causes.js'

/** What there is to say of one code. */
export interface CodeStory {
  readonly code: string
  readonly kind: 'anomaly' | 'notice' | 'error'
  /** What happened. */
  readonly meaning: string
  /** How such things come about; `null` for notices, which are no trouble. */
  readonly cause: string | null
  /** What the startup gate does about it, by mode; `null` for errors, which are no state of a store. */
  readonly modes: { readonly [Mode in StartupMode]: string } | null
  /** What will be lost. */
  readonly loss: string
  /** What to do first. */
  readonly first: string
  /** With what exit code a command ends on it; `null` for notices. */
  readonly exit: number | null
}

const LOSS = {
  kept: 'Nothing: every record stays.',
  kept_aside: 'Nothing is destroyed: what does not belong is kept aside.',
  unproven: 'Nothing that was acknowledged, as far as can be proven; the bytes are kept aside.',
  lost: 'Records that were acknowledged are gone, and only a copy brings them back.',
  unknown: 'That cannot be told before the bytes can be read and understood.',
} as const satisfies Readonly<Record<AnomalyExplanation['data'], string>>

/** Everything about a code, in whatever case and with `-` or `_`; `null` if there is none. */
export function explainCode(code: string): CodeStory | null {
  const wanted = code.trim().toLowerCase().replaceAll('-', '_')
  if (Object.hasOwn(ANOMALY_CODES, wanted)) return ofAnomaly(wanted as AnomalyCode)
  if (Object.hasOwn(ERROR_CODES, wanted)) return ofError(wanted as PapyraErrorCode)
  if (Object.hasOwn(NOTICE_CODES, wanted)) return ofNotice(wanted as NoticeCode)
  return null
}

/** Every code that `explainCode` knows. `newer_format` and `unreadable` are told as damage. */
export const EXPLAINED_CODES: readonly string[] = [
  ...new Set([ANOMALY_CODES, ERROR_CODES, NOTICE_CODES].flatMap((codes) => Object.keys(codes))),
]

function ofAnomaly(code: AnomalyCode): CodeStory {
  const { meaning, repair, data, action } = ANOMALY_CODES[code]
  const consent = data === 'lost' ? ' Only with `--accept-loss`; else it refuses (exit 2).' : ''
  return {
    ...{ code, kind: 'anomaly', meaning, cause: ANOMALY_CAUSES[code] },
    modes: {
      ignore: 'Not looked for: the service starts, and appending may be refused later.',
      scan_only: 'Told, and the service starts all the same.',
      fail_on_anomaly: 'The service does not start (exit 1); not a byte is written.',
      recover: `${repair}${consent}`,
    },
    ...{ loss: LOSS[data], first: action, exit: 2 },
  }
}

function ofNotice(code: NoticeCode): CodeStory {
  const { meaning, action } = NOTICE_CODES[code]
  const told = 'Told, not counted: the service starts.'
  const modes = Object.fromEntries(STARTUP_MODES.map((mode) => [mode, told]))
  return {
    ...{ code, kind: 'notice', meaning, cause: null },
    modes: { ...(modes as Record<StartupMode, string>), ignore: 'Not looked for.' },
    ...{ loss: LOSS.kept, first: action, exit: null },
  }
}

/** Codes of errors after which something may be gone, or not be stored. */
const LOSSES: Readonly<Partial<Record<PapyraErrorCode, string>>> = {
  invalid_fact: 'The fact that was refused was not stored.',
  schema_refused: 'The fact that was refused was not stored.',
  record_too_large: 'The fact that was refused was not stored.',
  write_failed: 'The facts of this call were not stored; all before them are.',
  writer_latched: 'Of the facts that were not acknowledged nobody knows; all others are stored.',
  store_replaced: 'What was acknowledged is in the file that was moved away: look for it.',
  under_replicated: 'Nothing now; the facts are stored, but a failover may lose them.',
  startup_refused: 'That depends on the damage: `papyra persistence scan` names it.',
  anomalies_found: 'That depends on the damage: `papyra persistence scan` names it.',
  accept_loss_required: LOSS.lost,
}

function ofError(code: PapyraErrorCode): CodeStory {
  const { meaning, action, exit } = ERROR_CODES[code]
  return {
    ...{ code, kind: 'error', meaning, cause: ERROR_CAUSES[code], modes: null },
    loss: LOSSES[code] ?? 'Nothing: the store is as it was before.',
    ...{ first: action, exit },
  }
}
