import { readSidecarFile, writeSidecarFile } from '../write/sidecar-file.js'
import type { StoreCore } from './store-core.js'

/**
 * Notes what a scan of every byte by the owner found: the wall time in ms at which it began if it was
 * clean, `null` if it was not. A store that takes appends keeps it on the disk at once; one that does
 * not is only looked at, so there `begin`, or `keepVerified`, writes it down. That it could not be
 * written is no failure of the scan: the next write of the sidecar has it too.
 */
export async function noteVerified(core: StoreCore, verifiedAt: number | null): Promise<void> {
  core.verifiedAt = verifiedAt
  const { live, settings } = core
  if (live === null || (live.sidecar.verifiedAt ?? null) === verifiedAt) return
  const after = { ...live.sidecar, verifiedAt }
  try {
    await writeSidecarFile(settings.vfs, settings.log, after)
    live.sidecar = after
  } catch {
    // `close` writes it again.
  }
}

/** After a recovery or a compaction at rest, whose result was scanned: keeps when that was. */
export async function keepVerified(core: StoreCore): Promise<void> {
  const { live, verifiedAt, settings } = core
  if (live !== null || verifiedAt === undefined || verifiedAt === null) return
  try {
    const there = await readSidecarFile(settings.vfs, settings.log)
    if (there.state !== 'ok' || there.sidecar.next !== null) return
    await writeSidecarFile(settings.vfs, settings.log, { ...there.sidecar, verifiedAt })
  } catch {
    // What was to be done is done; the next owner verifies again.
  }
}

/** The part of a sidecar that says when its log was last verified, with what this owner has seen. */
export function verifiedPart(core: StoreCore): { readonly verifiedAt?: number | null } {
  return core.verifiedAt === undefined ? {} : { verifiedAt: core.verifiedAt }
}
