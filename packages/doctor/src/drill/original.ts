import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { BackendDefinition } from '@papyra/contracts'
import { storeFiles } from '../scratch/files.js'

/** What the original is before or after the drills. */
export interface Digest {
  /** SHA-256 of every record up to `through`, as stored. */
  readonly records: string
  readonly through: number
  /** SHA-256 of the names and bytes of its files; `null` where it has none, or an owner writes. */
  readonly files: string | null
  readonly generation: number | null
}

/** Reads the whole original. `through` is the last number to look at; default: the last there is. */
export async function digestOriginal(
  definition: BackendDefinition,
  through?: number,
): Promise<Digest & { readonly logId: string | null }> {
  const backend = await definition.open({ access: 'read', create: 'never' })
  try {
    const { generation, lastSeq, owner, logId } = await backend.describe()
    const end = through ?? lastSeq ?? 0
    const hash = createHash('sha256')
    const query = { beforeSeq: end + 1, onDamage: () => undefined }
    for await (const { json } of backend.read(query)) hash.update(json).update('\n')
    const files = owner === null ? await digestFiles(definition.location) : null
    return { records: hash.digest('hex'), through: end, files, generation, logId }
  } finally {
    await backend.close()
  }
}

async function digestFiles(location: string): Promise<string | null> {
  if ((await stat(location).catch(() => null)) === null) return null
  const hash = createHash('sha256')
  for (const { path, name } of await storeFiles(location)) {
    hash.update(`${name}\0`)
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  }
  return hash.digest('hex')
}

/** `null` if its owner compacted it meanwhile, so that nobody can tell. */
export function unchanged(before: Digest, after: Digest): boolean | null {
  if (before.generation !== after.generation) return null
  if (before.records !== after.records) return false
  return before.files === null || after.files === null || before.files === after.files
}
