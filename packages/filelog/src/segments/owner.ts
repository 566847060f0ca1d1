import { isPapyraError, type OwnerInfo } from '@papyra/contracts'
import type { Vfs } from '../vfs.js'
import { probeOwner } from '../write/probe-owner.js'
import { lockBase } from './names.js'

/** Who holds a store; `null` also where the system has no locks to look at: reading needs none. */
export async function segmentsOwner(vfs: Vfs, dir: string): Promise<OwnerInfo | null> {
  try {
    return await probeOwner(vfs, lockBase(dir), dir)
  } catch (error) {
    if (isPapyraError(error, 'lock_unavailable')) return null
    throw error
  }
}
