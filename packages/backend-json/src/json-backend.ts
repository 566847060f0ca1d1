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
  type LogStore,
  createLogStore,
  nodeVfs,
  openLogStore,
} from '@papyra/filelog'
import { compact } from './compaction.js'
import { checkOptions, type JsonBackendOptions } from './options.js'

const NAME = 'json'

const CAPABILITIES: Capabilities = defineCapabilities({
  onlineCompaction: true,
  plans: true,
  ackLevels: ['flushed', 'durable'],
})

/** A log store behind the contract: what it lacks is the policy of a compaction. */
class JsonBackend implements Backend {
  readonly name: string = NAME
  readonly capabilities: Capabilities = CAPABILITIES
  readonly #store: LogStore
  readonly #control: ControlPort
  readonly accounts: AccountsFile

  constructor(store: LogStore, control: ControlPort, accounts: AccountsFile) {
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
 * A store in one NDJSON file. Checks its options and opens nothing. Throws `invalid_argument`.
 *
 * @example
 * const backend = await jsonBackend({ path: './data/shop.ndjson' }).open({ access: 'read' })
 */
export function jsonBackend(options: JsonBackendOptions): BackendDefinition {
  const { path, vfs = nodeVfs, clock, ...settings } = checkOptions(options)
  const own = { ...settings, backend: NAME, ...(clock && { clock }) }
  const open = (how: OpenOptions): Promise<LogStore> => openLogStore(vfs, path, { ...own, ...how })
  return {
    name: NAME,
    location: path,
    capabilities: CAPABILITIES,
    async open(how) {
      const store = await open(how)
      return new JsonBackend(store, ControlPort.ofLog(vfs, path), new AccountsFile(vfs, store.path))
    },
    at: (place) => jsonBackend({ ...options, path: place }),
    create: () => createLogStore(vfs, path, { ...(clock && { clock }) }),
    async upgrade(how) {
      const store = await open({ access: 'write' })
      try {
        return await store.upgrade(how)
      } finally {
        await store.close()
      }
    },
  }
}
