import type { Backend, CompactionReport, RetentionPolicy } from '@papyra/contracts'
import { otherwise, papyra } from '../check.js'
import { compareRecords, readRecords } from '../drill/records.js'
import { plural } from '../text.js'
import { gateCheck, reading, type GateCheck, type GateWork, type Seen } from './work.js'

/** Compacts a copy by its plan and compares; with `apply` the store itself afterwards. */
export const compactionCheck: GateCheck = gateCheck(
  'gate.compaction',
  'Retention hides; only a compaction that works deletes.',
  async (work) => {
    const { policy, definition, apply } = work
    const mend = otherwise('State `retention` in the configuration.')
    if (policy === null) return { state: 'fail', evidence: 'There is no policy.', mend }
    if (!definition.capabilities.compaction)
      return { state: 'skip', evidence: 'It has nothing to compact.' }
    const tried = await tryOnCopy(work, policy)
    if (tried.state !== 'pass' || !apply) return tried
    const { records, bytes, verified } = await compactStore(work, policy)
    const went = `${plural(records.before - records.after, 'record')}, ${bytes.before - bytes.after} bytes`
    if (verified === false)
      return { state: 'fail', evidence: 'It did not verify.', mend: papyra('persistence', 'scan') }
    return { state: 'pass', evidence: `Applied: ${went} deleted. ${tried.evidence}` }
  },
)

async function tryOnCopy({ copy, long }: GateWork, policy: RetentionPolicy): Promise<Seen> {
  const scratch = await copy()
  try {
    const { definition, made } = scratch
    const before = await readRecords(definition)
    const backend = await definition.open({ access: 'write' })
    let plan: CompactionReport
    let clean: boolean
    try {
      plan = await backend.compact({ ...long, policy, dryRun: true })
      await backend.compact({ ...long, policy })
      clean = (await backend.scan(long)).clean
    } finally {
      await backend.close()
    }
    const { lost, changed } = compareRecords(before, await readRecords(definition))
    const planned = plan.records.before - plan.records.after
    const mend = papyra('doctor', 'drill', 'retention-pressure')
    const said = `${planned} planned, ${lost.length} gone, ${changed.length} changed`
    if (lost.length !== planned || changed.length > 0)
      return { state: 'fail', evidence: `Not what the plan said: ${said}.`, mend }
    if (!clean) return { state: 'fail', evidence: 'A scan afterwards is not clean.', mend }
    return { state: 'pass', evidence: `On ${made}: ${said}, clean.` }
  } finally {
    await scratch.dispose()
  }
}

/** The living owner does it, if there is one. */
async function compactStore(
  { definition, long, clock }: GateWork,
  policy: RetentionPolicy,
): Promise<CompactionReport> {
  const owner = await reading(definition, async (backend) => {
    const client = (await backend.owner?.()) ?? null
    return client === null ? null : client.compact({ ...long, policy })
  })
  if (owner !== null) return owner
  const backend: Backend = await definition.open({ access: 'write', clock })
  try {
    return await backend.compact({ ...long, policy })
  } finally {
    await backend.close()
  }
}
