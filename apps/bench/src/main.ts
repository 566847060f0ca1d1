// `npm run bench [-- --quick]`: each question beside its peer, in one run.
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { append } from './append.js'
import { commandLine, compaction, makeLog, scanning, startUp } from './large.js'
import { appendSegments, dropping, rewriting, sinceClean } from './segments.js'
import { printTable, type Row } from './table.js'

const quick = process.argv.includes('--quick')
const rounds = quick ? 1 : 5
const bytes = quick ? 60e6 : 1e9
const dir = await mkdtemp(join(tmpdir(), 'papyra-bench-'))
const rows: Row[] = []
try {
  const large = join(dir, 'large.ndjson')
  const small = join(dir, 'small.ndjson')
  const size = await makeLog(large, bytes)
  await makeLog(small, 10e6)
  process.stdout.write(
    `Node ${process.version}, ${cpus().length} cores, a log of ${(size / 1e6).toFixed(0)} MB, ${rounds} rounds. ` +
      'Only the ratios mean anything, and only within this run.\n\n',
  )
  rows.push(...(await startUp(large, small, rounds)))
  rows.push(...scanning(large, rounds))
  rows.push(...commandLine(large, rounds))
  rows.push(...(await compaction(large, dir)))
  rows.push(...(await append(dir, rounds)))
  rows.push(...(await appendSegments(dir, rounds)))
  rows.push(await dropping(dir, bytes / 2))
  rows.push(await rewriting(dir, bytes / 4))
  rows.push(await sinceClean(dir, bytes, 10e6))
  printTable(rows)
} finally {
  await rm(dir, { recursive: true, force: true })
}
