import type {
  GroupAct,
  GroupActReport,
  GroupDescription,
  GroupPlan,
  GroupRef,
  GroupsPort,
  LongOperation,
  PendingRecord,
} from '@papyra/contracts'
import { PapyraError, throwIfAborted } from '@papyra/contracts'
import type { Store } from '../store.js'
import { allGroups, describeGroup, keptFields } from './describe.js'
import { GroupStore } from './group-store.js'
import { decodeGroupPlan } from './plan-id.js'
import { applyPlan, planAct } from './plan.js'
import { pendingRecords } from './pending.js'
import { sampled } from './samples.js'

/** Who asks, and what it may do. */
export interface PortOptions {
  readonly access: 'read' | 'write'
  readonly patienceMs: number
  checkOpen(): void
}

/** The groups of a store, for operators. */
export class StoreGroups implements GroupsPort {
  readonly #store: Store
  readonly #options: PortOptions

  constructor(store: Store, options: PortOptions) {
    this.#store = store
    this.#options = options
  }

  async list(which: Partial<GroupRef> = {}): Promise<readonly GroupDescription[]> {
    this.#options.checkOpen()
    const store = this.#store
    const { kinds, groups } = await store.meta()
    const now = store.clock.now()
    const found: GroupDescription[] = []
    for (const state of kinds) {
      if (which.kind !== undefined && which.kind !== state.kind) continue
      for (const raw of await allGroups(store, state.kind, groups)) {
        if (which.group !== undefined && which.group !== raw.group) continue
        const kept = await keptFields(store, state.kind, raw.group)
        found.push(describeGroup(state, raw, kept, now))
      }
    }
    if (found.length === 0 && which.group !== undefined) throw this.#notFound(which)
    if (this.#options.access === 'read') return found
    return Promise.all(found.map((group) => sampled(store, group, now)))
  }

  async *pending(
    group: GroupRef,
    options: { readonly consumer?: string; readonly minIdleMs?: number } = {},
  ): AsyncGenerator<PendingRecord, void, undefined> {
    this.#options.checkOpen()
    for await (const page of pendingRecords(this.#group(group), options)) yield* page
  }

  async plan(act: GroupAct, { signal }: LongOperation = {}): Promise<GroupPlan> {
    this.#options.checkOpen()
    throwIfAborted(signal)
    return planAct(this.#group(act), act)
  }

  async apply(planId: string, { signal }: LongOperation = {}): Promise<GroupActReport> {
    this.#options.checkOpen()
    if (this.#options.access === 'read') {
      throw new PapyraError('read_only', 'The store was opened for reading.')
    }
    throwIfAborted(signal)
    const plan = decodeGroupPlan(planId)
    if (plan.store !== this.#store.logId) {
      throw new PapyraError('stale_plan', 'The plan was made of another store.')
    }
    return applyPlan(this.#group(plan.act), plan)
  }

  #group(ref: GroupRef): GroupStore {
    return new GroupStore(this.#store, ref, this.#options.patienceMs)
  }

  #notFound({ kind, group }: Partial<GroupRef>): PapyraError {
    const { location } = this.#store
    const text = `There is no group ${group} at ${location}.`
    const details = { location, ...(kind !== undefined && { kind }), group: group ?? null }
    return new PapyraError('group_not_found', text, { details })
  }
}
