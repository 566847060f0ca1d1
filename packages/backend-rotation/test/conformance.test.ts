import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { manualClock } from '@papyra/contracts'
import { backendConformance, type PlantedRecord, type Subject } from '@papyra/testkit'
import { rotationBackend } from '../src/index.js'
import { damageKit, segmentFiles } from './damage-kit.js'

/** Appends sound lines to the last segment as a later version might write them. */
async function plant(dir: string, records: readonly PlantedRecord[]): Promise<void> {
  const path = (await segmentFiles(dir)).at(-1) ?? ''
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
  const head = JSON.parse(lines[0] ?? '') as { log_id: string; first_seq: number }
  const last = JSON.parse(lines.at(-1) ?? '') as { seq: number }
  let seq = lines.length === 1 ? head.first_seq - 1 : last.seq
  const seed = crc32(head.log_id)
  for (const { kind, timestamp, members } of records) {
    const time = timestamp === null ? '1e400' : String(timestamp / 1000)
    const open = `{"seq":${++seq},"kind":"${kind}","timestamp":${time},${members}`
    const crc = crc32(open, seed).toString(16).padStart(8, '0')
    await appendFile(path, `${open},"crc":"${crc}"}\n`)
  }
}

/** Segments of a few records each, so that every check meets several of them. */
async function create(): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), 'papyra-rotation-'))
  const dir = join(folder, 'data', 'shop')
  const segment = { maxRecords: 6 }
  return {
    definition: rotationBackend({ dir, segment }),
    clock: manualClock(),
    another: () => rotationBackend({ dir, segment }),
    damage: damageKit(dir),
    plant: (records) => plant(dir, records),
    dispose: () => rm(folder, { recursive: true, force: true }),
  }
}

backendConformance({ name: 'backend-rotation', create, numRuns: 15 })
