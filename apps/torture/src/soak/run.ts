import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, startChild } from '../child-process.js'
import type { StoreKind } from '../kinds.js'
import { checkStore, readList } from './check.js'
import type { Compacted } from './compactor.js'
import type { Followed } from './follower.js'

export interface SoakOptions {
  readonly kind: StoreKind
  /** This program, as a file that Node runs: the children are runs of it. */
  readonly program: string
  readonly seconds: number
  /** The newest so many records are kept. */
  readonly keep: number
  /** The `papyra` command, for compactions as an operator does them; absent: through the library. */
  readonly papyra?: string
}

export interface SoakReport {
  readonly refused: readonly string[]
  readonly written: number
  readonly looked: number
  readonly followed: Followed
  readonly compacted: Compacted
  /** What did not hold; empty if everything did. */
  readonly wrong: readonly string[]
}

/** How many want to write. */
const RACERS = 4

interface Race {
  readonly owner: Child
  readonly refused: readonly string[]
}

/** All at once; one gets in, and the others are told why not. */
async function race(options: SoakOptions, path: string, list: string): Promise<Race> {
  const { kind, program } = options
  const racers = Array.from({ length: RACERS }, () =>
    startChild(program, 'soak-writer', [kind, path, list]),
  )
  const answers = await Promise.all(racers.map((child) => child.line()))
  const owners = racers.filter((_, i) => answers[i] === 'owner')
  const [owner] = owners
  if (owner === undefined || owners.length !== 1) {
    for (const child of racers) child.kill()
    throw new Error(`${owners.length} of ${RACERS} writers got in: ${answers.join(', ')}`)
  }
  return { owner, refused: answers.filter((answer) => answer !== 'owner').map(String) }
}

async function result<T>(child: Child): Promise<T> {
  await child.ended
  const line = child.lines.at(-1)
  if (line === undefined) throw new Error('a child ended without a word')
  return JSON.parse(line) as T
}

function judge(
  refused: readonly string[],
  followed: Followed,
  { changed, errors }: Compacted,
  last: number,
): string[] {
  const wrong: string[] = []
  const others = refused.filter((answer) => answer !== 'refused store_locked')
  if (others.length > 0) wrong.push(`writers were told ${others.join(', ')}`)
  if (followed.backwards > 0) wrong.push(`the follower saw ${followed.backwards} records again`)
  for (const { first, last: end } of followed.missing.slice(0, 5)) {
    wrong.push(`the follower missed ${first} to ${end}`)
  }
  for (const error of followed.errors.slice(0, 3)) wrong.push(`the follower was told ${error}`)
  if (followed.last !== last) wrong.push(`the follower ended at ${followed.last} of ${last}`)
  if (changed === 0) wrong.push('no compaction removed anything')
  for (const [code, times] of Object.entries(errors)) {
    wrong.push(`compaction failed ${times} times: ${code}`)
  }
  return wrong
}

/**
 * Four processes want one store, one gets it and appends at full speed, while another compacts it in
 * a loop and a third follows it. In the end the store is held to the writer's own list.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { kind, program, seconds, keep, papyra } = options
  const dir = await mkdtemp(join(tmpdir(), `papyra-soak-${kind}-`))
  const path = join(dir, kind === 'json' ? 'shop.ndjson' : 'shop')
  const list = join(dir, 'acknowledged')
  const children: Child[] = []
  const start = (role: string, ...args: string[]): Child => {
    const child = startChild(program, role, args)
    children.push(child)
    return child
  }
  try {
    const { owner, refused } = await race(options, path, list)
    children.push(owner)
    const follower = start('soak-follower', kind, path, String(keep))
    const compactor = start('soak-compactor', kind, path, String(keep), papyra ?? '')
    await sleep(seconds * 1000)
    compactor.tell('stop')
    const compacted = await result<Compacted>(compactor)
    owner.tell('stop')
    await owner.ended
    const [, last = 0, written = 0] = (owner.lines.at(-1) ?? '').split(' ').map(Number)
    follower.tell(String(last))
    const followed = await result<Followed>(follower)
    const checked = await checkStore(kind, path, await readList(list, keep))
    const wrong = [...judge(refused, followed, compacted, last), ...checked.wrong]
    if (written === 0) wrong.push('the writer ended without a word')
    return { refused, written, looked: checked.looked, followed, compacted, wrong }
  } finally {
    for (const child of children) child.kill()
    await rm(dir, { recursive: true, force: true })
  }
}

/** The soak of one kind of store, told on the console; false if something did not hold. */
export async function soakAndTell(options: SoakOptions): Promise<boolean> {
  const { kind, seconds } = options
  const report = await soak(options)
  const { written, looked, followed, compacted, refused, wrong } = report
  console.log(
    `soak ${kind}: ${seconds} s, ${written} records written, ${refused.length} writers refused, ` +
      `${compacted.changed} of ${compacted.runs} compactions removed something, the follower saw ` +
      `${followed.seen} records and passed over ${followed.skipped} stretches that were removed, ` +
      `${looked} promised records were looked for, ${wrong.length} failures`,
  )
  for (const what of wrong) console.error(`soak ${kind}: ${what}`)
  return wrong.length === 0
}
