import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild } from './child-process.js'
import { KEEP } from './kill-child.js'
import { definitionOf, type StoreKind } from './kinds.js'

/** Runs a writer for a while, kills it, and gives the last number that it was promised. */
async function writeAndKill(
  program: string,
  [kind, path, ack]: readonly [StoreKind, string, string],
  afterMs: number,
): Promise<number> {
  const child = startChild(program, 'kill-writer', [kind, path, ack])
  await child.line()
  await new Promise((resolve) => setTimeout(resolve, afterMs))
  child.kill()
  const code = await child.ended
  if (code !== null) throw new Error(`the writer ended by itself: ${code}`)
  const acked = child.lines.map((line) => Number(/^\d+ (\d+)$/.exec(line)?.[1] ?? 0))
  return Math.max(0, ...acked)
}

/** What must hold after a kill; the messages of what does not. */
async function examine(kind: StoreKind, path: string, acked: number): Promise<string[]> {
  const wrong: string[] = []
  const store = await definitionOf(kind, path).open({ access: 'write' })
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
  } catch (error) {
    wrong.push(String(error))
  } finally {
    await store.close()
  }
  return wrong
}

export interface KillOptions {
  readonly kind: StoreKind
  readonly rounds: number
  /** This program, as a file that Node runs. */
  readonly program: string
  readonly seed: number
}

export interface KillReport {
  readonly failures: readonly string[]
  /** The greatest number that any writer was promised. */
  readonly records: number
  /** Where the stores are kept; `null` if nothing failed. */
  readonly kept: string | null
}

/** Kills a real writer again and again, and looks at what is left. */
export async function killLoop({ kind, rounds, program, seed }: KillOptions): Promise<KillReport> {
  let state = seed
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state % below
  }
  const dir = await mkdtemp(join(tmpdir(), `papyra-kills-${kind}-`))
  const failures: string[] = []
  let records = 0
  try {
    for (let round = 1; round <= rounds; round++) {
      const name = `store-${Math.ceil(round / 10)}`
      const path = join(dir, kind === 'json' ? `${name}.ndjson` : name)
      const ack = round % 2 === 0 ? 'durable' : 'flushed'
      const acked = await writeAndKill(program, [kind, path, ack], random(300))
      records = Math.max(records, acked)
      for (const what of (await examine(kind, path, acked)).slice(0, 5)) {
        failures.push(`kill ${round}: ${what}`)
      }
      if (round % 50 === 0) console.log(`${kind}: ${round} kills, ${failures.length} failures`)
    }
  } finally {
    if (failures.length === 0) await rm(dir, { recursive: true })
  }
  return { failures, records, kept: failures.length === 0 ? null : dir }
}

/** The kills of one kind of store, told on the console; false if something did not hold. */
export async function killAndTell(options: Omit<KillOptions, 'seed'>): Promise<boolean> {
  const seed = Number(process.env['PAPYRA_SEED'] ?? Date.now() % 1_000_000)
  const { kind, rounds } = options
  console.log(`kills of ${kind}: ${rounds}, seed ${seed}`)
  const { failures, records, kept } = await killLoop({ ...options, seed })
  for (const what of failures) console.error(`${kind}: ${what}`)
  if (kept !== null) console.error(`the stores are kept in ${kept}`)
  console.log(`${kind}: ${rounds} kills, ${failures.length} failures, up to ${records} records`)
  return failures.length === 0
}
