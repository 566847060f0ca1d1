// Chapters 1, 4 and 8: the backend, its state, and how a service starts on it.
import { otherwise, papyra } from './check.js'
import { fail, pass, skip, unknown, warn, type Item, type Verdict } from './item.js'
import type { StoreFacts } from './facts.js'
import type { ChecklistSettings } from './settings.js'
import { countsText, plural, spanText } from './text.js'

/** From so many writes a second on one file that compaction rewrites as a whole is no choice. */
const HIGH_RATE = 1000
/** How long ago every byte may have been verified. */
const VERIFIED_WITHIN_MS = 7 * 86_400_000

/** What a person has to state, by its exact place. */
function declare(...keys: readonly string[]) {
  return otherwise(`State in the configuration: ${keys.map((key) => `\`use.${key}\``).join(', ')}.`)
}

function judgeBackend({ definition }: StoreFacts, { use = {} }: ChecklistSettings): Verdict {
  const { name, capabilities } = definition
  const { strictOrdering, survivesRestart, distributed, writesPerSecond } = use
  if (survivesRestart === true && !capabilities.persistent)
    return fail(`${name} does not survive a restart, and the use asks for that.`, choose('json'))
  if (distributed === true && capabilities.exclusiveOwner)
    return fail(`${name} takes one writer, and the use is distributed.`, choose('redis'))
  if (writesPerSecond !== undefined && writesPerSecond >= HIGH_RATE && name === 'json')
    return warn(
      `${writesPerSecond} writes a second on one file, which each compaction rewrites.`,
      choose('rotation'),
    )
  const asked = { strictOrdering, survivesRestart, distributed, writesPerSecond }
  const missing = Object.entries(asked).filter(([, value]) => value === undefined)
  if (missing.length > 0)
    return unknown(
      `${name}; not stated: ${missing.map(([key]) => key).join(', ')}.`,
      declare(...missing.map(([key]) => key)),
    )
  return pass(`${name} does what the use asks for.`)
}

const choose = (backend: string) => otherwise(`Use the backend ${backend}, as the checklist says.`)

function judgeScan({ scan, problem }: StoreFacts): Verdict {
  if (problem !== null)
    return fail(`The store cannot be read: ${problem}.`, papyra('explain', problem))
  if (scan === null)
    return unknown('The store could not be scanned.', papyra('persistence', 'scan'))
  if (!scan.clean) return fail(countsText(scan.anomalyCounts), papyra('persistence', 'recover'))
  return pass(`${plural(scan.records ?? 0, 'record')} and ${plural(scan.bytes, 'byte')} verified.`)
}

function judgeVerified({ description, definition, now }: StoreFacts): Verdict {
  if (description === null) return unknown('The store was not read.')
  if (!definition.capabilities.persistent) return skip('Its records end with its process.')
  const { verifiedAt, owner } = description
  // Only an owner writes down that it verified.
  const mend =
    owner === null
      ? otherwise(
          'Start the service: its gate verifies every byte. Set `scrub` to do so regularly.',
        )
      : papyra('persistence', 'scan', '--via-owner')
  if (verifiedAt === null) return warn('No owner has verified every byte yet.', mend)
  const age = now - verifiedAt
  const said = `An owner verified every byte ${spanText(age)} ago.`
  return age > VERIFIED_WITHIN_MS ? warn(said, mend) : pass(said)
}

function judgeMode(_: StoreFacts, { mode }: ChecklistSettings): Verdict {
  const mend = otherwise('Set `startup.mode` to fail_on_anomaly in the configuration.')
  if (mode === 'ignore') return fail('The gate ignores anomalies.', mend)
  if (mode === 'scan_only')
    return warn('The gate tells of anomalies and starts all the same.', mend)
  return pass(`The gate's mode is ${mode}.`)
}

function judgeRecoveryMode(_: StoreFacts, settings: ChecklistSettings): Verdict {
  const { recoveryMode, quarantineDir } = settings
  if (recoveryMode === 'repair') return pass('Recovery repairs, and keeps aside what it takes out.')
  if (quarantineDir !== undefined)
    return pass(`Recovery keeps whole originals in ${quarantineDir}.`)
  return fail(
    'Recovery is to keep whole originals, and there is no folder for them: it ends with 78.',
    otherwise('Set `quarantineDir` in the configuration, or `startup.recovery.mode` to repair.'),
  )
}

function judgeExclusive({ definition }: StoreFacts, { mode }: ChecklistSettings): Verdict {
  const { name, capabilities } = definition
  if (capabilities.exclusiveOwner)
    return pass(`${name} lets nobody recover while another process owns the store (exit 75).`)
  if (mode === 'recover')
    return fail(
      `Others may write to ${name} while a start recovers it.`,
      otherwise('Set `startup.mode` to fail_on_anomaly in the configuration; recover by hand.'),
    )
  return pass(`No start recovers (mode ${mode}); by hand, with the writers stopped.`)
}

function judgeOrchestration(_: StoreFacts, { use }: ChecklistSettings): Verdict {
  const stated = use?.startupCheck
  if (stated !== undefined) return pass(`Stated: ${stated}.`)
  return unknown(
    'What runs `papyra persistence startup-check` before the service cannot be seen from here.',
    declare('startupCheck'),
  )
}

export const STORE_ITEMS: readonly Item[] = [
  {
    id: 'backend.fits',
    chapter: 1,
    why: 'Each backend is right for some uses and wrong for others.',
    judge: judgeBackend,
  },
  {
    id: 'store.clean',
    chapter: 1,
    why: 'A service must not boot into a damaged state.',
    judge: judgeScan,
  },
  {
    id: 'store.verified',
    chapter: 1,
    why: 'Bits rot where nobody reads.',
    judge: judgeVerified,
  },
  {
    id: 'startup.mode',
    chapter: 1,
    why: 'If there is damage, a start has to fail fast.',
    judge: judgeMode,
  },
  {
    id: 'startup.orchestration',
    chapter: 4,
    why: 'The start has to wait for a clean scan, or a recovery that succeeded.',
    judge: judgeOrchestration,
  },
  {
    id: 'recovery.exclusive',
    chapter: 4,
    why: 'Recovery under live traffic loses what is written meanwhile.',
    judge: judgeExclusive,
  },
  {
    id: 'recovery.mode',
    chapter: 8,
    why: 'What a recovery takes out is evidence.',
    judge: judgeRecoveryMode,
  },
]
