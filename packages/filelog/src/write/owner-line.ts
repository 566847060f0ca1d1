import { Buffer } from 'node:buffer'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JsonValue, OwnerInfo } from '@papyra/contracts'
import type { VfsFile } from '../vfs.js'
import { writeAll } from './atomic-write.js'

/** What a lock file says: `pid`, `host`, `since` (ms), `boot_id`, and what else the owner announced. */
export type OwnerFacts = { readonly [key: string]: JsonValue }

const MAX_BYTES = 4096
export const NOBODY_KNOWN: OwnerInfo = { pid: null, host: null, since: null }

/** Replaces the content of a lock file. */
export async function writeOwnerFacts(file: VfsFile, facts: OwnerFacts): Promise<void> {
  await file.truncate(0)
  await writeAll(file, Buffer.from(`${JSON.stringify(facts)}\n`), 0)
}

/** Reads a lock file; `null` if it is empty or cannot be understood. */
export async function readOwnerFacts(file: VfsFile): Promise<OwnerFacts | null> {
  const buffer = Buffer.alloc(MAX_BYTES)
  const n = await file.read(buffer, 0, MAX_BYTES, 0)
  try {
    const value: unknown = JSON.parse(buffer.toString('utf8', 0, n))
    return typeof value === 'object' && value !== null ? (value as OwnerFacts) : null
  } catch {
    return null
  }
}

export function ownerInfo(facts: OwnerFacts | null): OwnerInfo {
  if (facts === null) return NOBODY_KNOWN
  const { pid, host, since } = facts
  return {
    pid: typeof pid === 'number' ? pid : null,
    host: typeof host === 'string' ? host : null,
    since: typeof since === 'number' ? since : null,
  }
}

/** Who is named in an open lock file; a new owner needs a moment to write its name. */
export async function readOwner(file: VfsFile): Promise<OwnerInfo> {
  for (let round = 0; round < 4; round++) {
    if (round > 0) await sleep(10)
    const facts = await readOwnerFacts(file)
    if (facts !== null) return ownerInfo(facts)
  }
  return NOBODY_KNOWN
}

/** `process 41 on db1, since 2024-01-01T00:00:00.000Z`, as far as it is known. */
export function ownerText({ pid, host, since }: OwnerInfo): string {
  const who = pid === null ? 'another process' : `process ${pid}`
  const where = host === null ? '' : ` on ${host}`
  const when = since === null || !(Math.abs(since) <= 8.64e15) ? '' : new Date(since).toISOString()
  return `${who}${where}${when === '' ? '' : `, since ${when}`}`
}
