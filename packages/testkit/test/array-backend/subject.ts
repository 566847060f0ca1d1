import {
  PapyraError,
  defineCapabilities,
  manualClock,
  systemClock,
  type Backend,
  type BackendDefinition,
  type Capabilities,
  type OpenOptions,
} from '@papyra/contracts'
import type { DamageKit, DamageOutcome, PlantedRecord, Subject } from '../../src/index.js'
import { ArrayBackend, type Handle } from './array-backend.js'
import { newStore, measure, type ArrayStore, type Line, type Place } from './store.js'

const MAX_RECORD_BYTES = 4096

/** How an array backend is made; a broken one replaces a part of it. */
export interface Recipe {
  readonly capabilities?: Partial<Capabilities>
  readonly make?: (handle: Handle) => Backend
  /** False: lets any number of writers in. */
  readonly locks?: boolean
  readonly readersLock?: boolean
  /** What to do with a missing store that must not be made. */
  readonly makesMissing?: boolean
  readonly checksLogId?: boolean
  readonly wipesOnCreate?: boolean
}

export function arraySubject(recipe: Recipe = {}): Promise<Subject> {
  const place: Place = { store: null, owner: null }
  const define = (): BackendDefinition => defineArray(place, recipe)
  return Promise.resolve({
    definition: define(),
    another: define,
    clock: manualClock(),
    maxRecordBytes: MAX_RECORD_BYTES,
    damage: arrayDamage(place),
    plant: (records) => {
      for (const record of records) plantRecord(existing(place), record)
      return Promise.resolve()
    },
    dispose: () => Promise.resolve(),
  })
}

/** What can be done to a store at that place while nobody has it open. */
export function arrayDamage(place: Place): DamageKit {
  return {
    kinds: ['corrupt', 'gap', 'torn', 'doubled'],
    apply: (kind) => Promise.resolve(applyDamage(existing(place), kind)),
  }
}

function existing({ store, owner }: Place): ArrayStore {
  if (store === null) throw new Error('there is no store to damage')
  if (owner !== null) throw new Error('the store is open')
  return store
}

/** A definition of a store at that place. */
export function defineArray(place: Place, recipe: Recipe = {}): BackendDefinition {
  const name = 'array'
  const location = 'array:place'
  const capabilities = defineCapabilities({
    onlineCompaction: true,
    plans: true,
    ...recipe.capabilities,
  })
  const open = async (options: OpenOptions): Promise<Backend> => {
    const { access, create = 'never', expectLogId, clock = systemClock } = options
    const holder = {}
    const locks = recipe.readersLock === true || (access === 'write' && recipe.locks !== false)
    if (locks && place.owner !== null) throw new PapyraError('store_locked', 'It is owned.')
    const mayMake = create === 'if-missing' || recipe.makesMissing === true
    if (place.store === null && !mayMake) throw new PapyraError('store_not_found', 'There is none.')
    if (recipe.wipesOnCreate === true && create === 'if-missing') place.store = null
    place.store ??= newStore(clock.now())
    const { store } = place
    if (expectLogId !== undefined && recipe.checksLogId !== false && expectLogId !== store.logId) {
      throw new PapyraError('wrong_log', 'It is another log.')
    }
    if (locks) place.owner = holder
    const release = (): void => {
      if (place.owner === holder) place.owner = null
    }
    const maxRecordBytes = MAX_RECORD_BYTES
    const handle: Handle = {
      name,
      location,
      capabilities,
      access,
      clock,
      maxRecordBytes,
      store,
      place,
      release,
    }
    return recipe.make?.(handle) ?? new ArrayBackend(handle)
  }
  const create = (): Promise<{ logId: string }> => {
    if (place.store !== null) {
      return Promise.reject(new PapyraError('store_exists', 'There is one already.'))
    }
    place.store = newStore(systemClock.now())
    return Promise.resolve({ logId: place.store.logId })
  }
  return { name, location, capabilities, open, create }
}

function applyDamage(store: ArrayStore, kind: string): DamageOutcome {
  const at = Math.floor(store.lines.length / 2)
  const line = store.lines[at]
  if (line === undefined) throw new Error('there is nothing to damage')
  const { seq } = line.record
  switch (kind) {
    case 'corrupt':
      store.lines[at] = { ...line, state: 'corrupt' }
      return {
        expectCode: 'corrupt_record',
        lossExpected: true,
        affected: [seq],
        beginRefuses: true,
      }
    case 'gap':
      store.lines.splice(at, 1)
      return { expectCode: 'sequence_gap', lossExpected: true, affected: [seq], beginRefuses: true }
    case 'torn':
      store.lines.push({ record: { ...line.record, seq: store.nextSeq }, state: 'torn' })
      return { expectCode: 'torn_tail', lossExpected: false, affected: [], beginRefuses: true }
    case 'doubled':
      store.lines.splice(at, 0, { ...line })
      return { expectCode: 'duplicate_record', lossExpected: false, affected: [] }
    default:
      throw new Error(`no such damage: ${kind}`)
  }
}

function plantRecord(store: ArrayStore, { kind, timestamp, members }: PlantedRecord): void {
  const seq = store.nextSeq
  const time = timestamp === null ? 'null' : String(timestamp / 1000)
  const json = `{"seq":${String(seq)},"kind":"${kind}","timestamp":${time},${members}}`
  const record = { seq, kind, timestamp: timestamp ?? Number.NaN, json }
  const line: Line = {
    record: { ...record, bytes: Buffer.byteLength(json) + 1 },
    state: 'sound',
  }
  store.lines.push(line)
  store.nextSeq += 1
  measure(store)
}
