import { stat } from 'node:fs/promises'
import { isPapyraError, type BackendDefinition } from '@papyra/contracts'
import { checkStartup } from '@papyra/core'
import { bytesOf, storeFiles } from '../scratch/files.js'
import { appendUntil, drillFact } from './facts.js'
import { compareRecords, numbersText, readRecords, type Records } from './records.js'
import { Findings } from './result.js'
import { limitFiles, mountSmallDisk, type SmallDisk } from './small-disk.js'
import type { Drill, DrillWork } from './types.js'

const SPARE_BYTES = 256 * 1024
const FACT_BYTES = 2000
/** Far more than the spare room holds; who takes them all has stored none of the last. */
const MOST_FACTS = 2000

/** Writes until the disk is full, makes room, and holds what is left against what was acknowledged. */
export const diskFullDrill: Drill = async (work) => {
  const findings = new Findings('disk-full')
  const disk = await smallDisk(work)
  if (disk === null) {
    const text = 'No small file system can be mounted, and files cannot be limited.'
    return findings.without('unknown', text)
  }
  try {
    const scratch = await work.copy(disk.dir)
    try {
      findings.made = scratch.made
      const { definition } = scratch
      const found = await stat(definition.location).catch(() => null)
      if (found === null) return findings.without('skip', 'Its copy is not in files of its own.')
      const before = await readRecords(definition)
      const acknowledged = await writeUntilFull(findings, definition, { disk, work })
      await disk.widen()
      const started = work.clock.monotonic()
      await judge(findings, definition, { before, acknowledged, work })
      findings.took(work.clock.monotonic() - started)
      return findings.result()
    } finally {
      await disk.widen()
      await scratch.dispose()
    }
  } finally {
    await disk.dispose()
  }
}

async function smallDisk({ dir, mayLimitProcess = false }: DrillWork): Promise<SmallDisk | null> {
  const mounted = await mountSmallDisk(dir)
  return mounted ?? (mayLimitProcess ? limitFiles(dir) : null)
}

async function writeUntilFull(
  findings: Findings,
  definition: BackendDefinition,
  { disk, work }: { readonly disk: SmallDisk; readonly work: DrillWork },
): Promise<readonly number[]> {
  const backend = await definition.open({ access: 'write', clock: work.clock })
  try {
    await backend.begin()
    const files = await storeFiles(definition.location)
    const mounted = disk.how.includes('tmpfs')
    await disk.fill(mounted ? bytesOf(files) : largest(files), SPARE_BYTES)
    let n = 0
    const facts = (): ReturnType<typeof drillFact>[] => [
      drillFact(work.clock.now(), n++, FACT_BYTES),
    ]
    const { seqs, error } = await appendUntil(backend, facts, () => n >= MOST_FACTS)
    const code = isPapyraError(error) ? error.code : error === null ? 'none' : 'another error'
    findings.did(`${seqs.length} facts were acknowledged on ${disk.how}; then: ${code}`)
    const told = code === 'write_failed' || code === 'writer_latched'
    findings.expect('a full disk is told, not swallowed', told, code)
    if (isPapyraError(error)) findings.met([error.code])
    return seqs
  } finally {
    // On a full disk it may fail; what counts is what is found afterwards.
    await backend.close().catch(() => undefined)
  }
}

const largest = (files: readonly { readonly bytes: number }[]): number =>
  Math.max(0, ...files.map(({ bytes }) => bytes))

interface Was {
  readonly before: Records
  readonly acknowledged: readonly number[]
  readonly work: DrillWork
}

async function judge(
  findings: Findings,
  definition: BackendDefinition,
  { before, acknowledged, work }: Was,
): Promise<void> {
  const { clock } = work
  const gate = { clock, environment: 'drill', mode: 'recover' } as const
  const { allowed, reason } = await checkStartup(definition, { ...gate, waitLockMs: 5000 })
  findings.expect('with room again the service may start, without any loss', allowed, reason)
  const after = await readRecords(definition)
  const missing = acknowledged.filter((seq) => !after.has(seq))
  const none = missing.length === 0
  findings.expect('all that was acknowledged is there', none, numbersText(missing))
  const { lost, changed } = compareRecords(before, after)
  const old = changed.filter((seq) => before.has(seq))
  findings.expect(
    'what was there is as it was',
    lost.length + old.length === 0,
    numbersText([...lost, ...old]),
  )
  findings.before += before.size + acknowledged.length
  findings.kept += after.size
  findings.lost += missing.length + lost.length
  const backend = await definition.open({ access: 'write', waitLockMs: 5000 })
  try {
    await backend.begin()
    const { firstSeq } = await backend.append([drillFact(clock.now(), 0)])
    const goesOn = firstSeq > Math.max(0, ...acknowledged.slice(-1))
    findings.expect('and writing goes on', goesOn, `as record ${firstSeq}`)
  } finally {
    await backend.close()
  }
}
