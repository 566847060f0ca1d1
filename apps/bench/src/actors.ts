import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { ActorSystem, type Ask, type Behavior } from '@papyra/actors'
import { jsonBackend } from '@papyra/backend-json'
import { assign, createActor, createMachine } from 'xstate'
import { inChild } from './child.js'
import { sideBySide, type Row } from './table.js'

type Count = { type: 'add'; by: number } | Ask<{ type: 'total' }, number>

function counter(): Behavior<Count> {
  let total = 0
  return {
    receive: {
      add({ by }) {
        total += by
      },
      total: () => total,
    },
  }
}

const machine = createMachine({
  types: {} as { context: { total: number }; events: { type: 'add'; by: number } },
  context: { total: 0 },
  on: {
    add: { actions: assign({ total: ({ context, event }) => context.total + event.by }) },
  },
})

/** Sends one message after the other; a machine has handled each when `send` returns. */
function sendToMachine(messages: number): void {
  const actor = createActor(machine).start()
  for (let i = 0; i < messages; i++) actor.send({ type: 'add', by: 1 })
  requireTotal(actor.getSnapshot().context.total, messages)
  actor.stop()
}

/** A system over a store on the disk, which keeps the facts of its actors' lives. */
async function inSystem(dir: string, use: (system: ActorSystem) => Promise<void>): Promise<void> {
  const path = join(dir, 'actors.ndjson')
  for (const ending of ['', '.mark', '.meta.json', '.lock']) rmSync(path + ending, { force: true })
  const system = await ActorSystem.start({ systemId: 'bench', backend: jsonBackend({ path }) })
  await use(system)
  const { facts } = await system.close()
  // The system's start and stop, the actor's start and stop.
  requireTotal(facts.written, 4)
}

/** Tells so many messages, as many at a time as a mailbox holds unless told otherwise. */
async function tellActor(system: ActorSystem, messages: number): Promise<void> {
  const ref = system.spawn(counter)
  for (let sent = 0; sent < messages; ) {
    for (let i = 0; i < 9_999 && sent < messages; i++, sent++) ref.tell({ type: 'add', by: 1 })
    requireTotal(await ref.ask({ type: 'total' }), sent)
  }
}

/** So many questions from `callers`, each of whom waits for every answer. */
async function askActor(system: ActorSystem, questions: number, callers: number): Promise<void> {
  const ref = system.spawn(counter)
  let asked = 0
  const caller = async (): Promise<void> => {
    while (asked < questions) {
      asked += 1
      requireTotal(await ref.ask({ type: 'total' }), 0)
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
}

function requireTotal(total: number, expected: number): void {
  if (total !== expected) throw new Error(`${total} instead of ${expected}`)
}

/** Messages a second beside a machine's, and what a full mailbox weighs. */
export async function actors(dir: string, rounds: number, messages: number): Promise<Row[]> {
  const row = async (
    question: string,
    floor: number,
    ours: (system: ActorSystem) => Promise<void>,
  ): Promise<Row> => {
    const times = await sideBySide(
      rounds,
      () => inSystem(dir, ours),
      async () => sendToMachine(messages),
    )
    const [rate, peerRate] = [messages / times.ours, messages / times.peer]
    const figures = `${rate.toFixed(0)} against ${peerRate.toFixed(0)} k messages/s`
    const peer = "send to an XState machine's actor"
    return { question, peer, ratio: rate / peerRate, better: 'higher', floor, figures }
  }
  return [
    await row('actors: tell, facts kept', 10, (system) => tellActor(system, messages)),
    await row('actors: ask, 256 callers', 3, (system) => askActor(system, messages, 256)),
    await row('actors: ask, one caller', 3, (system) => askActor(system, messages, 1)),
    fullMailbox(),
  ]
}

function fullMailbox(): Row {
  const [ours, peer] = [inChild('full-mailbox').result, inChild('full-array').result]
  const [bytes, peerBytes] = [Number(ours), Number(peer)]
  return {
    question: 'actors: a mailbox of 100 000 messages',
    peer: 'an array of them',
    ratio: bytes / peerBytes,
    better: 'lower',
    // One slot more than the array for each, to remember who sent it.
    floor: 1.25,
    figures: `${(bytes / 1e5).toFixed(1)} against ${(peerBytes / 1e5).toFixed(1)} bytes each`,
  }
}
