import { join } from 'node:path'
import type {
  AppendFact,
  AppendResult,
  Backend,
  BackendDefinition,
  BeginOptions,
  BeginReport,
  Capabilities,
  CompactionReport,
  CompactOptions,
  MetricsSnapshot,
  OpenOptions,
  OwnerClient,
  ReadQuery,
  RecordMeta,
  RecoverOptions,
  RecoveryReport,
  ScanOptions,
  ScanReport,
  StoredRecord,
  StoreDescription,
} from '@papyra/contracts'
import { defineCapabilities } from '@papyra/contracts'
import {
  AccountsFile,
  ControlPort,
  type SegmentStore,
  createSegmentStore,
  nodeVfs,
  openSegmentStore,
} from '@papyra/filelog'
import { compact } from './compaction.js'
import { checkOptions, type RotationBackendOptions } from './options.js'

const NAME = 'rotation'

const CAPABILITIES: Capabilities = defineCapabilities({
  onlineCompaction: true,
  plans: true,
  ackLevels: ['flushed', 'durable'],
})

/** A store of segments behind the contract: what it lacks is the policy of a compaction. */
class RotationBackend implements Backend {
  readonly name: string = NAME
  readonly capabilities: Capabilities = CAPABILITIES
  readonly #store: SegmentStore
  readonly #control: ControlPort
  readonly accounts: AccountsFile

  constructor(store: SegmentStore, control: ControlPort, accounts: AccountsFile) {
    this.#store = store
    this.#control = control
    this.accounts = accounts
  }

  begin(options?: BeginOptions): Promise<BeginReport> {
    return this.#store.begin(options, (begun) =>
      this.#control.serve(this, begun, options?.forOthers),
    )
  }

  append(facts: readonly AppendFact[]): Promise<AppendResult> {
    return this.#store.append(facts)
  }

  read(query?: ReadQuery): AsyncIterable<StoredRecord> {
    return this.#store.read(query)
  }

  readMeta(options?: { readonly signal?: AbortSignal }): AsyncIterable<RecordMeta> {
    return this.#store.readMeta(options)
  }

  describe(): Promise<StoreDescription> {
    return this.#store.describe()
  }

  scan(options?: ScanOptions): Promise<ScanReport> {
    return this.#store.scan(options)
  }

  recover(options: RecoverOptions): Promise<RecoveryReport> {
    return this.#store.recover(options)
  }

  compact(options: CompactOptions): Promise<CompactionReport> {
    return compact(this.#store, options)
  }

  resetMetrics(): Promise<MetricsSnapshot> {
    return this.#store.resetMetrics()
  }

  flush(): Promise<void> {
    return this.#store.flush()
  }

  async close(): Promise<void> {
    this.#control.close()
    const closed = this.#store.close()
    await Promise.allSettled([closed, this.accounts.close()])
    return closed
  }

  owner(): Promise<OwnerClient | null> {
    return this.#control.owner()
  }
}

/**
 * A store of many bounded segment files in one folder. Checks its options and opens nothing. Throws
 * `invalid_argument`.
 *
 * @example
 * const backend = await rotationBackend({ dir: './data/shop' }).open({ access: 'read' })
 */
export function rotationBackend(options: RotationBackendOptions): BackendDefinition {
  const { dir, vfs = nodeVfs, clock, ...settings } = checkOptions(options)
  const own = { ...settings, backend: NAME, ...(clock && { clock }) }
  return {
    name: NAME,
    location: dir,
    capabilities: CAPABILITIES,
    async open(how: OpenOptions) {
      const store = await openSegmentStore(vfs, dir, { ...own, ...how })
      const accounts = new AccountsFile(vfs, join(store.path, 'store'), store.path)
      return new RotationBackend(store, ControlPort.ofSegments(vfs, dir), accounts)
    },
    at: (place) => rotationBackend({ ...options, dir: place }),
    create: () => createSegmentStore(vfs, dir, { ...(clock && { clock }) }),
  }
}
