import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jsonBackend } from '@papyra/backend-json'
import { KEEP } from './kill-child.js'

/** This program: it is its own child. */
const MAIN = process.argv[1] ?? ''

/** Runs a writer for a while, kills it, and gives the last number that it was promised. */
function writeAndKill(path: string, ack: string, afterMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, 'child', path, ack], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let out = ''
    child.stdout.on('data', (bytes: Buffer) => {
      if (out === '') setTimeout(() => child.kill('SIGKILL'), afterMs)
      out += bytes.toString()
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (signal !== 'SIGKILL') return reject(new Error(`the writer ended by itself: ${code}`))
      const acked = [...out.matchAll(/^\d+ (\d+)$/gm)].map(([, last]) => Number(last))
      resolve(Math.max(0, ...acked))
    })
  })
}

/** What must hold after a kill; the messages of what does not. */
async function examine(path: string, acked: number): Promise<string[]> {
  const wrong: string[] = []
  const store = await jsonBackend({ path }).open({ access: 'write' })
  try {
    const scan = await store.scan()
    const codes = Object.keys(scan.anomalyCounts)
    if (codes.some((code) => code !== 'torn_tail')) wrong.push(`found ${codes.join(', ')}`)
    if (scan.unproven !== null) wrong.push('something is unproven after a mere kill')
    const report = await store.recover({ mode: 'repair' })
    if (report.after?.clean !== true) wrong.push('not clean after recovery')
    const seqs = new Set<number>()
    for await (const { seq } of store.read()) seqs.add(seq)
    const first = Math.max(1, acked - KEEP + 100)
    for (let seq = first; seq <= acked; seq++) if (!seqs.has(seq)) wrong.push(`${seq} is gone`)
    const { nextSeq } = await store.begin()
    if (nextSeq <= acked) wrong.push(`the number ${nextSeq} would be given again`)
  } finally {
    await store.close()
  }
  return wrong
}

/** Kills a real writer again and again; false if anything that was promised did not hold. */
export async function killLoop(rounds: number): Promise<boolean> {
  const seed = Number(process.env['PAPYRA_SEED'] ?? Date.now() % 1_000_000)
  console.log(`kills: ${rounds}, seed ${seed}`)
  let state = seed
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state % below
  }
  const dir = await mkdtemp(join(tmpdir(), 'papyra-torture-'))
  let failures = 0
  let records = 0
  try {
    for (let round = 1; round <= rounds; round++) {
      const path = join(dir, `log-${Math.ceil(round / 10)}.ndjson`)
      const acked = await writeAndKill(path, round % 2 === 0 ? 'durable' : 'flushed', random(300))
      records = Math.max(records, acked)
      const wrong = await examine(path, acked)
      failures += wrong.length
      for (const what of wrong.slice(0, 5)) console.error(`kill ${round}: ${what}`)
      if (round % 50 === 0) console.log(`${round} kills, ${failures} failures`)
    }
  } finally {
    if (failures === 0) await rm(dir, { recursive: true })
    else console.error(`the logs are kept in ${dir}`)
  }
  console.log(`${rounds} kills, ${failures} failures, up to ${records} records in a log`)
  return failures === 0
}
