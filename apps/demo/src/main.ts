// The quick start: a service that is killed in the middle of a write, and its operator.
import { mkdtemp, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { Acknowledged } from './orders.js'
import { PAPYRA, runNode, SERVICE } from './processes.js'

const KEPT = 400
const folder = await mkdtemp(join(tmpdir(), 'papyra-demo-'))
const log = join(folder, 'shop.ndjson')
const acknowledged: Acknowledged[] = []

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function title(text: string): void {
  say(`\n=== ${text}`)
}

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(`the demo expected that ${what}`)
}

function lines<T>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

/** Runs the service and takes note of what it was promised. */
async function service(
  first: number,
  orders: number,
  dieAt?: number,
): Promise<NodeJS.Signals | null> {
  const args = [
    SERVICE,
    log,
    ...['--first', String(first), '--orders', String(orders)],
    ...(dieAt === undefined ? [] : ['--die-at', String(dieAt)]),
  ]
  const ended = await runNode(args)
  acknowledged.push(...lines<Acknowledged>(ended.stdout))
  return ended.signal
}

/** Runs the command as an operator would, shows what it says, and checks how it ended. */
async function papyra(args: readonly string[], code: number): Promise<string> {
  say(`\n$ papyra ${args.join(' ').replace(log, 'shop.ndjson')}`)
  const ended = await runNode([PAPYRA, ...args])
  process.stdout.write(ended.stdout.replaceAll(log, 'shop.ndjson'))
  say(`(exit code ${ended.code})`)
  expect(ended.code === code, `papyra ${args.join(' ')} ends with ${code}`)
  return ended.stdout
}

async function crash(): Promise<void> {
  title(
    '1. An order service, two supervised actors, records its facts. It dies in the middle of a write.',
  )
  const signal = await service(1, 1000, 351)
  expect(signal === 'SIGKILL', 'the service was killed')
  say(`The service was killed with SIGKILL, half a record on the disk.`)
  say(
    `It had been promised ${acknowledged.length} facts about orders; number ${acknowledged.at(-1)?.seq} was the last.`,
  )

  title('2. The gate refuses to start on top of that; the scan shows where it is.')
  await papyra(['persistence', 'startup-check', '--mode', 'fail_on_anomaly', '--path', log], 1)
  await papyra(['persistence', 'scan', '--path', log], 2)
}

async function recover(): Promise<void> {
  title('3. Recovery mends it: explicit, exclusive, verified by a second scan.')
  await papyra(['persistence', 'recover', '--mode', 'repair', '--path', log], 0)
  await papyra(['persistence', 'startup-check', '--mode', 'fail_on_anomaly', '--path', log], 0)

  title('4. The service starts again and goes on.')
  const signal = await service(1001, 300)
  expect(signal === null, 'the service ended by itself')
  say(`${acknowledged.length} facts about orders have been promised by now.`)
}

async function compact(): Promise<void> {
  title(`5. Retention hides what is beyond the newest ${KEPT} records; compaction deletes it.`)
  const before = (await stat(log)).size
  await papyra(['persistence', 'compact', '--dry-run', '--path', log], 0)
  await papyra(['persistence', 'compact', '--path', log], 0)
  const after = (await stat(log)).size
  expect(after < before, 'the file is smaller')
  say(`${before} bytes before, ${after} after.`)
  await papyra(['persistence', 'scan', '--path', log], 0)
}

async function history(): Promise<void> {
  title('6. What became of the actors: who failed, and which messages were not delivered.')
  await papyra(['inspect', 'events', '--type', 'actor.crashed', '--path', log], 0)
  await papyra(['inspect', 'dead-letters', '--group-by', 'target,reason', '--path', log], 0)
}

async function prove(): Promise<void> {
  title('7. The proof: every promised fact within retention is still there, in order.')
  const args = [PAPYRA, 'inspect', 'events', '--path', log, '--limit', '100000', '--json']
  const { stdout } = await runNode(args, { hush: true })
  const stored = lines<{ seq: number; record: { payload: { id?: string } } }>(stdout)
  const bySeq = new Map(stored.map(({ seq, record }) => [seq, record.payload.id]))
  const oldest = stored[0]?.seq ?? 0
  const promised = acknowledged.filter(({ seq }) => seq >= oldest)
  const missing = promised.filter(({ seq, id }) => bySeq.get(seq) !== id)
  expect(missing.length === 0 && promised.length > KEPT / 2, 'nothing is missing')
  say(
    `${promised.length} promised facts within retention, ${promised.length - missing.length} found, ${missing.length} missing;`,
  )
  say(`the other ${KEPT - promised.length} of the ${KEPT} that are kept tell of the actors.`)
}

await crash()
await recover()
await compact()
await history()
await prove()
title('Try next')
say(`The store is ${log}

  node apps/cli/bin/papyra.js inspect summary --path ${log}
  node apps/cli/bin/papyra.js inspect events --limit 5 --reverse --path ${log}
  node apps/cli/bin/papyra.js metrics persistence --path ${log}
  node apps/cli/bin/papyra.js persistence --help`)
