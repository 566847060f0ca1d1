// `npm run bench [-- --quick] [-- --segments | --redis | --actors | --otel]`: each question beside its peer, in one run.
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { actors } from './actors.js'
import { append } from './append.js'
import { commandLine, compaction, makeLog, scanning, startUp } from './large.js'
import { observing } from './otel.js'
import { redis } from './redis.js'
import { rewriting } from './rewriting.js'
import { appendSegments, dropping, sinceClean } from './segments.js'
import { printTable, type Row } from './table.js'

const quick = process.argv.includes('--quick')
const only = ['segments', 'redis', 'actors', 'otel'].find((part) =>
  process.argv.includes(`--${part}`),
)
const rounds = quick ? 1 : 5
const bytes = quick ? 60e6 : 1e9
const dir = await mkdtemp(join(tmpdir(), 'papyra-bench-'))
const rows: Row[] = []
try {
  process.stdout.write(
    `Node ${process.version}, ${cpus().length} cores, ${(bytes / 1e6).toFixed(0)} MB, ${rounds} rounds. ` +
      'Only the ratios mean anything, and only within this run.\n\n',
  )
  if (only === undefined) rows.push(...(await oneFile()))
  const wants = (part: string): boolean => only === undefined || only === part
  if (wants('segments')) rows.push(...(await segments()))
  if (wants('redis')) rows.push(...(await redis(dir, rounds, quick ? 20_000 : 100_000)))
  if (wants('actors')) rows.push(...(await actors(dir, rounds, quick ? 100_000 : 1_000_000)))
  if (wants('otel')) rows.push(await observing(dir, rounds, quick ? 100_000 : 1_500_000))
  printTable(rows)
} finally {
  await rm(dir, { recursive: true, force: true })
}

/** What a store of segments costs. */
async function segments(): Promise<Row[]> {
  return [
    ...(await appendSegments(dir, rounds)),
    await dropping(dir, bytes / 2),
    ...(await rewriting(dir, bytes / 4, rounds)),
    await sinceClean(dir, bytes, 10e6),
  ]
}

/** What a log of one file costs. */
async function oneFile(): Promise<Row[]> {
  const large = join(dir, 'large.ndjson')
  const small = join(dir, 'small.ndjson')
  await makeLog(large, bytes)
  await makeLog(small, 10e6)
  return [
    ...(await startUp(large, small, rounds)),
    ...scanning(large, rounds),
    ...commandLine(large, rounds),
    ...(await compaction(large, dir)),
    ...(await append(dir, rounds)),
  ]
}
