import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { manualClock } from '@papyra/contracts'
import { backendConformance, type PlantedRecord, type Subject } from '@papyra/testkit'
import { jsonBackend } from '../src/index.js'
import { damageKit } from './damage-kit.js'

/** Appends sound lines as a later version might write them. */
async function plant(log: string, records: readonly PlantedRecord[]): Promise<void> {
  const lines = (await readFile(log, 'utf8')).trimEnd().split('\n')
  const { log_id: logId } = JSON.parse(lines[0] ?? '') as { log_id: string }
  let { seq } = JSON.parse(lines.at(-1) ?? '') as { seq: number }
  const seed = crc32(logId)
  for (const { kind, timestamp, members } of records) {
    const time = timestamp === null ? '1e400' : String(timestamp / 1000)
    const open = `{"seq":${++seq},"kind":"${kind}","timestamp":${time},${members}`
    const crc = crc32(open, seed).toString(16).padStart(8, '0')
    await appendFile(log, `${open},"crc":"${crc}"}\n`)
  }
}

async function create(): Promise<Subject> {
  const dir = await mkdtemp(join(tmpdir(), 'papyra-json-'))
  const path = join(dir, 'data', 'shop.ndjson')
  const definition = jsonBackend({ path })
  return {
    definition,
    clock: manualClock(),
    another: () => jsonBackend({ path }),
    damage: damageKit(path),
    plant: (records) => plant(path, records),
    dispose: () => rm(dir, { recursive: true, force: true }),
  }
}

backendConformance({ name: 'backend-json', create, numRuns: 15 })
