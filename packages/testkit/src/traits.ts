import assert from 'node:assert/strict'
import {
  isPapyraError,
  type Backend,
  type Capabilities,
  type PapyraErrorCode,
} from '@papyra/contracts'
import type { Check } from './check.js'
import { collect, started } from './expect.js'
import { eventFact } from './facts.js'
import type { World } from './world.js'

/** The states in which every operation is tried. */
const STATES = ['opened', 'begun', 'closing', 'closed', 'reading', 'reading-closed'] as const
type State = (typeof STATES)[number]

type Ending = 'ok' | PapyraErrorCode
type Rule = Ending | readonly Ending[]

interface Operation {
  readonly name: string
  /** Starts the operation; must call the backend before it first awaits. */
  readonly call: (backend: Backend) => Promise<unknown>
  /** How it ends while the store is open; once closed, only `closed` is right. */
  readonly rules: (capabilities: Capabilities) => {
    readonly [S in 'opened' | 'begun' | 'reading']: Rule
  }
}

const always = (rule: Rule) => () => ({ opened: rule, begun: rule, reading: rule })

const OPERATIONS: readonly Operation[] = [
  {
    name: 'begin',
    call: (backend) => backend.begin(),
    rules: () => ({ opened: 'ok', begun: 'ok', reading: 'read_only' }),
  },
  {
    name: 'append',
    call: (backend) => backend.append([eventFact()]),
    rules: () => ({ opened: 'not_begun', begun: 'ok', reading: 'read_only' }),
  },
  { name: 'read', call: (backend) => collect(backend.read()), rules: always('ok') },
  { name: 'readMeta', call: (backend) => collect(backend.readMeta()), rules: always('ok') },
  { name: 'describe', call: (backend) => backend.describe(), rules: always('ok') },
  { name: 'scan', call: (backend) => backend.scan(), rules: always('ok') },
  {
    name: 'recover',
    call: (backend) => backend.recover({ mode: 'repair' }),
    rules: ({ recovery }) => ({
      opened: recovery ? 'ok' : 'unsupported',
      begun: 'unsupported',
      reading: recovery ? 'read_only' : ['read_only', 'unsupported'],
    }),
  },
  {
    name: 'compact',
    call: (backend) => backend.compact({ policy: { maxRecords: 1_000_000 } }),
    rules: ({ compaction }) => ({
      opened: compaction ? 'ok' : 'unsupported',
      begun: compaction ? 'ok' : 'unsupported',
      reading: compaction ? 'read_only' : ['read_only', 'unsupported'],
    }),
  },
  {
    name: 'resetMetrics',
    call: (backend) => backend.resetMetrics(),
    rules: () => ({ opened: 'ok', begun: 'ok', reading: 'read_only' }),
  },
  {
    name: 'flush',
    call: (backend) => backend.flush(),
    // A reader has nothing to wait for; both answers are honest.
    rules: () => ({ opened: 'ok', begun: 'ok', reading: ['ok', 'read_only'] }),
  },
]

function isOpenState(state: State): state is 'opened' | 'begun' | 'reading' {
  return state === 'opened' || state === 'begun' || state === 'reading'
}

/** Brings a store with three records into the state and starts the operation in it. */
async function callIn(world: World, state: State, operation: Operation): Promise<unknown> {
  const { backend: owner } = await world.filled(3)
  if (state === 'reading' || state === 'reading-closed') {
    const reader = await world.openReader()
    if (state === 'reading-closed') await reader.close()
    return operation.call(reader)
  }
  if (state === 'begun') return operation.call(owner)
  if (state === 'closing') {
    const closing = started(owner.close())
    const ending = started(operation.call(owner))
    await closing
    return ending
  }
  await owner.close()
  if (state === 'closed') return operation.call(owner)
  return operation.call(await world.openWriter())
}

async function endingOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'ok'
  } catch (error) {
    if (isPapyraError(error)) return error.code
    return `an error that is no PapyraError: ${String(error)}`
  }
}

function traitCheck(state: State, operation: Operation): Check {
  return {
    id: `lifecycle.${state}.${operation.name}`,
    group: 'lifecycle',
    promise: `${operation.name} on a store that is ${state} ends as the contract says`,
    async run(world) {
      const rule = isOpenState(state)
        ? operation.rules(world.subject.definition.capabilities)[state]
        : 'closed'
      const allowed: readonly string[] = typeof rule === 'string' ? [rule] : rule
      const ending = await endingOf(callIn(world, state, operation))
      assert.ok(
        allowed.includes(ending),
        `${operation.name} while ${state} must end with ${allowed.join(' or ')}, not ${ending}`,
      )
    },
  }
}

/** Every operation in every state of a store's life. */
export const traitChecks: readonly Check[] = STATES.flatMap((state) =>
  OPERATIONS.map((operation) => traitCheck(state, operation)),
)
