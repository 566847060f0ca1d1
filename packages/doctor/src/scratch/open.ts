import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  PapyraError,
  type Backend,
  type BackendDefinition,
  type ScratchStore,
} from '@papyra/contracts'
import { damageFiles, FILE_DAMAGES } from './damage.js'
import { bytesOf, copyStore, requireRoom, storeFiles } from './files.js'
import { copySample } from './sample.js'

export interface ScratchOptions {
  /** The folder in which copies are made, and removed again. */
  readonly dir: string
  /** The most bytes to copy: of a larger store the newest records. */
  readonly sample: number
}

/** How often a copy is made anew because the original was rewritten meanwhile. */
const MOST_TRIES = 10
/** So many of them copy files; where those never stand still, the records are read one by one. */
const TRIES_OF_FILES = 5

/**
 * A throw-away copy of a store, closed cleanly and sound; the original is only read. Rejects with
 * `unsupported` where the backend has no way to make one, with `io_error` where there is not twice the
 * room, with `anomalies_found` where the original is damaged itself.
 */
export async function openScratch(
  definition: BackendDefinition,
  { dir, sample }: ScratchOptions,
): Promise<ScratchStore> {
  const source = await definition.open({ access: 'read', create: 'never' })
  const folder = await mkdtemp(join(dir, 'papyra-scratch-'))
  try {
    const scratch =
      source.scratch === undefined
        ? await copyOfFiles(definition, source, { dir: folder, sample })
        : await source.scratch({ dir: folder, sample })
    return {
      ...scratch,
      damage: (kind, seed) => scratch.damage(kind, seed),
      async dispose() {
        await scratch.dispose()
        await rm(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  } finally {
    await source.close()
  }
}

async function copyOfFiles(
  definition: BackendDefinition,
  source: Backend,
  { dir, sample }: ScratchOptions,
): Promise<ScratchStore> {
  const { at, name, location } = definition
  if (at === undefined) {
    throw new PapyraError('unsupported', `The backend ${name} makes no scratch copies.`)
  }
  const size = bytesOf(await storeFiles(location))
  await requireRoom(dir, Math.min(size, sample))
  const inFolder = (await storeFiles(location)).every(({ path }) => path !== location)
  for (let tries = 1; ; tries++) {
    const base = join(dir, String(tries))
    const copy = at(inFolder ? base : join(base, basename(location)))
    const made =
      size <= sample && tries <= TRIES_OF_FILES
        ? await wholeCopy(location, base)
        : await sampleCopy(source, copy, { base, sample })
    const problem = made === null ? null : await settle(copy)
    if (made !== null && problem === null) return ofFiles(copy, made)
    await rm(base, { recursive: true, force: true })
    if (tries >= MOST_TRIES || !(await source.scan()).clean) {
      throw new PapyraError(
        'anomalies_found',
        `${location}: ${problem ?? 'It is damaged.'} There is no sound copy.`,
        {
          hint: 'Recover the store first, or try again while less is written to it.',
        },
      )
    }
  }
}

async function wholeCopy(location: string, folder: string): Promise<string | null> {
  const files = await copyStore(location, folder)
  return files && `a copy of ${files.length} files, ${bytesOf(files)} bytes`
}

async function sampleCopy(
  source: Backend,
  copy: BackendDefinition,
  { base, sample }: { readonly base: string; readonly sample: number },
): Promise<string> {
  await mkdir(base, { recursive: true })
  return sampleText(await copySample(source, copy, sample))
}

const sampleText = ({ records, bytes }: { records: number; bytes: number }): string =>
  `the newest ${records} records, ${bytes} bytes, in a store of their own`

/** Closes the copy of a store that may be in use as its owner would; says what is wrong with it. */
async function settle(copy: BackendDefinition): Promise<string | null> {
  const backend = await copy.open({ access: 'write', create: 'never' })
  try {
    const scan = await backend.scan()
    if (!scan.clean) return `The copy has ${Object.keys(scan.anomalyCounts).join(', ')}.`
    await backend.begin()
    return null
  } finally {
    await backend.close()
  }
}

function ofFiles(definition: BackendDefinition, made: string): ScratchStore {
  return {
    definition,
    made,
    damages: FILE_DAMAGES,
    damage: (kind, seed) => damageFiles(definition.location, kind, seed),
    dispose: () => Promise.resolve(),
  }
}
