import type { ScratchStore } from '@papyra/contracts'
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
  const end = (): void => {
    over = true
  }
  const compaction = backend.compact({ policy: { maxRecords: keep } }).then(end, end)
  await new Promise((resolve) => setTimeout(resolve, after))
  const inTime = !over
  const did = await damage(RESTART, 0)
  await compaction
  await backend.close().catch(() => undefined)
  if (inTime) findings.did(`${did}, ${after} ms into a compaction`)
  return inTime
}
