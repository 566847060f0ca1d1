import { isPapyraError, type ScratchStore } from '@papyra/contracts'
import type { Findings } from './result.js'

/** The damage that kills the server of a copy and starts it again. */
export const RESTART = 'redis-restart'

interface Killing {
  /** What the compaction is to keep. */
  readonly keep: number
  /** ms after the compaction was begun. */
  readonly after: number
}

/** Kills the server of a copy while it is compacted; false if the compaction had ended before. */
export async function killServer(
  findings: Findings,
  { definition, damage }: ScratchStore,
  { keep, after }: Killing,
): Promise<boolean> {
  const backend = await definition.open({ access: 'write' })
  let over = false
  const compaction = backend
    .compact({ policy: { maxRecords: keep } })
    .then(
      () => null,
      (thrown: unknown) => thrown,
    )
    .finally(() => {
      over = true
    })
  await new Promise((resolve) => setTimeout(resolve, after))
  const inTime = !over
  const did = await damage(RESTART, 0)
  const error = await compaction
  await backend.close()
  if (!inTime) return false
  findings.did(`${did}, ${after} ms into a compaction`)
  if (isPapyraError(error)) findings.met([error.code])
  else if (error !== null) throw error as Error
  return true
}
