import {
  copyFileSync,
  fdatasyncSync,
  openSync,
  closeSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { join } from 'node:path'
import { jsonBackend } from '@papyra/backend-json'
import { inChild, wholeProcess } from './child.js'
import { fact } from './facts.js'
import { PAPYRA } from './papyra.js'
import { median, sideBySide, type Row } from './table.js'

/** Writes a log of at least `bytes` and closes it. Returns its size. */
export async function makeLog(path: string, bytes: number): Promise<number> {
  const store = await jsonBackend({ path, ack: 'flushed' }).open({
    access: 'write',
    create: 'if-missing',
  })
  await store.begin({ retention: null })
  for (let n = 0; ; ) {
    const batch = Array.from({ length: 2000 }, () => fact(n++))
    await store.append(batch)
    if (n % 100_000 === 0 && statSync(path).size >= bytes) break
  }
  await store.close()
  return statSync(path).size
}

/** Scanning beside a loop that reads and parses, each in a fresh process. */
export function scanning(path: string, rounds: number): Row[] {
  const scans = []
  const loops = []
  for (let i = 0; i < rounds; i++) {
    scans.push(inChild('scan', path))
    loops.push(inChild('parseLoop', path))
  }
  const ours = median(scans.map((cost) => cost.ms))
  const peer = median(loops.map((cost) => cost.ms))
  const size = statSync(path).size
  const memory = Math.max(...scans.map((cost) => cost.peakMiB))
  const speed = (ms: number): string => (size / ms / 1e6).toFixed(2)
  return [
    {
      question: 'scan',
      peer: 'read + indexOf + JSON.parse',
      ratio: peer / ours,
      better: 'higher',
      floor: 10,
      figures: `${speed(ours)} against ${speed(peer)} GB/s`,
    },
    {
      question: 'memory of the scan, MiB',
      peer: '-',
      ratio: memory,
      better: 'lower',
      floor: 128,
      figures: `of a file of ${(size / 1e9).toFixed(2)} GB`,
    },
  ]
}

/** The whole command beside `papyra --version`, and that beside `node -e 0`. */
export function commandLine(path: string, rounds: number): Row[] {
  const times: { bare: number[]; version: number[]; tail: number[] } = {
    bare: [],
    version: [],
    tail: [],
  }
  for (let i = 0; i < rounds * 3; i++) {
    times.bare.push(wholeProcess(['-e', '0']))
    times.version.push(wholeProcess([PAPYRA, '--version']))
    times.tail.push(
      wholeProcess([
        PAPYRA,
        'inspect',
        'events',
        '--path',
        path,
        '--limit',
        '100',
        '--reverse',
        '--json',
        '--quiet',
      ]),
    )
  }
  const [bare, version, tail] = [median(times.bare), median(times.version), median(times.tail)]
  const api = inChild('newest', path, '100')
  return [
    {
      question: 'papyra --version',
      peer: 'node -e 0',
      ratio: version / bare,
      better: 'lower',
      floor: 2,
      figures: `${version.toFixed(0)} against ${bare.toFixed(0)} ms`,
    },
    {
      question: 'last 100 events, whole command',
      peer: 'papyra --version',
      ratio: tail / version,
      better: 'lower',
      floor: 1.5,
      figures: `${tail.toFixed(0)} ms; the read itself ${api.ms.toFixed(1)} ms`,
    },
  ]
}

function copyHalf(path: string, half: string, bytes: number): number {
  const start = performance.now()
  copyFileSync(path, half)
  truncateSync(half, bytes)
  const fd = openSync(half, 'r+')
  fdatasyncSync(fd)
  closeSync(fd)
  return performance.now() - start
}

/** Compaction that keeps half, beside a copy of the file that is cut to half and synced. */
export async function compaction(path: string, dir: string): Promise<Row[]> {
  const log = join(dir, 'compact.ndjson')
  for (const ending of ['', '.mark', '.meta.json']) copyFileSync(path + ending, log + ending)
  const store = await jsonBackend({ path: log }).open({ access: 'write' })
  const records = (await store.scan()).records ?? 0
  const start = performance.now()
  const report = await store.compact({ policy: { maxRecords: Math.ceil(records / 2) } })
  const ours = performance.now() - start
  await store.close()
  const peer = copyHalf(path, join(dir, 'half'), report.bytes.after)
  for (const name of ['compact.ndjson', 'half']) rmSync(join(dir, name), { force: true })
  const figures = `${ours.toFixed(0)} against ${peer.toFixed(0)} ms`
  return [
    {
      question: 'compaction keeping half, with its check',
      peer: 'copy + truncate + sync',
      ratio: ours / peer,
      better: 'lower',
      floor: 2,
      figures,
    },
  ]
}

/** The check at start-up after a clean close: a large log beside a small one. */
export async function startUp(large: string, small: string, rounds: number): Promise<Row[]> {
  let coverage = ''
  const check = async (path: string): Promise<void> => {
    const store = await jsonBackend({ path }).open({ access: 'write' })
    coverage = (await store.scan({ coverage: 'auto' })).coverage
    await store.close()
  }
  await check(small) // the first one pays for loading the code
  const times = await sideBySide(
    rounds * 3,
    () => check(large),
    () => check(small),
  )
  return [
    {
      question: 'start-up check of the large log',
      peer: 'of a log of 10 MB',
      ratio: times.ours / times.peer,
      better: 'lower',
      floor: 1.5,
      figures: `${times.ours.toFixed(1)} against ${times.peer.toFixed(1)} ms, coverage ${coverage}`,
    },
  ]
}
