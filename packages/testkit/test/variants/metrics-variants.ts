import type {
  AppendFact,
  AppendResult,
  CompactionReport,
  CompactOptions,
  Finding,
  MetricsSnapshot,
  OwnerClient,
  ScanOptions,
  ScanReport,
  StoreDescription,
} from '@papyra/contracts'
import { ArrayBackend } from '../array-backend/array-backend.js'
import { made, type Variant } from './variant.js'

class ResetWipesTotals extends ArrayBackend {
  override async resetMetrics(): Promise<MetricsSnapshot> {
    const snapshot = await super.resetMetrics()
    const { totals, baseline } = this.store
    for (const key of ['recordsWritten', 'bytesWritten', 'scans'] as const) {
      totals[key] = 0
      baseline[key] = 0
    }
    return { ...snapshot, totals: { ...totals }, sinceReset: { ...snapshot.sinceReset } }
  }
}

class ResetDoesNothing extends ArrayBackend {
  override async resetMetrics(): Promise<MetricsSnapshot> {
    const { baseline, resetAt } = this.store
    const snapshot = await super.resetMetrics()
    this.store.baseline = baseline
    this.store.resetAt = resetAt
    return snapshot
  }
}

class ResetForgottenOnClose extends ArrayBackend {
  override async close(): Promise<void> {
    if (this.closed) return
    await super.close()
    this.store.resetAt = null
    for (const key of ['recordsWritten', 'scans'] as const) this.store.baseline[key] = 0
  }
}

class CountsDryRuns extends ArrayBackend {
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    const report = await super.compact(options)
    if (report.dryRun) this.store.totals.compactions += 1
    return report
  }
}

class CountsNoDrops extends ArrayBackend {
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    const { recordsDropped } = this.store.totals
    const report = await super.compact(options)
    this.store.totals.recordsDropped = recordsDropped
    return report
  }
}

class ForgetsTotalsOnClose extends ArrayBackend {
  override async close(): Promise<void> {
    if (this.closed) return
    await super.close()
    this.store.totals.recordsWritten = 0
  }
}

class ReadersCountScans extends ArrayBackend {
  override async scan(options: ScanOptions = {}): Promise<ScanReport> {
    const report = await super.scan(options)
    if (this.handle.access === 'read') this.store.totals.scans += 1
    return report
  }
}

class CountsAttempts extends ArrayBackend {
  override write(facts: readonly AppendFact[]): AppendResult {
    this.store.totals.recordsWritten += facts.length
    const result = super.write(facts)
    this.store.totals.recordsWritten -= facts.length
    return result
  }
}

class CountsNoWriteErrors extends ArrayBackend {
  override drain(): void {
    const { writeErrors } = this.store.totals
    super.drain()
    this.store.totals.writeErrors = writeErrors
  }
}

class LacksAKey extends ArrayBackend {
  override async describe(): Promise<StoreDescription> {
    const description = await super.describe()
    const { metrics } = description
    const sinceReset = { ...metrics.sinceReset }
    Reflect.deleteProperty(sinceReset, 'recordsLost')
    return { ...description, metrics: { ...metrics, sinceReset } }
  }
}

class OwnerOfAnotherStore extends ArrayBackend {
  override async owner(): Promise<OwnerClient | null> {
    const { metrics } = await this.describe()
    const client = await super.owner()
    const totals = { ...metrics.totals, recordsWritten: 0 }
    return client === null ? null : { ...client, metrics: async () => ({ ...metrics, totals }) }
  }
}

class AsksItself extends ArrayBackend {
  override async owner(): Promise<OwnerClient | null> {
    this.checkOpen()
    const { owner } = this.handle.place
    return owner === null ? null : this.clientOf(this.store)
  }
}

class AnswersForNobody extends ArrayBackend {
  override async owner(): Promise<OwnerClient | null> {
    this.checkOpen()
    return this.handle.access === 'write' ? null : this.clientOf(this.store)
  }
}

class OwnerAfterClose extends ArrayBackend {
  override async owner(): Promise<OwnerClient | null> {
    return this.closed ? null : super.owner()
  }
}

class FindingsRepeat extends ArrayBackend {
  override async *diagnose(): AsyncGenerator<Finding> {
    yield* super.diagnose()
    yield* super.diagnose()
  }
}

export const metricsVariants: readonly Variant[] = [
  {
    bug: 'the owner that answers holds another store',
    recipe: made(OwnerOfAnotherStore),
    caughtBy: ['lifecycle.owner-answers'],
  },
  {
    bug: 'who holds the store asks itself',
    recipe: made(AsksItself),
    caughtBy: ['lifecycle.owner-itself'],
  },
  {
    bug: 'an owner answers for a store that nobody holds',
    recipe: made(AnswersForNobody),
    caughtBy: ['lifecycle.owner-nobody'],
  },
  {
    bug: 'a closed store still looks for its owner',
    recipe: made(OwnerAfterClose),
    caughtBy: ['lifecycle.owner-closed'],
  },
  {
    bug: 'a finding comes twice',
    recipe: made(FindingsRepeat),
    caughtBy: ['harness.findings-well-formed'],
  },
  {
    bug: 'a reset wipes the totals',
    recipe: made(ResetWipesTotals),
    caughtBy: ['metrics.reset-is-a-baseline', 'metrics.reset-survives-reopen'],
  },
  {
    bug: 'a reset does nothing',
    recipe: made(ResetDoesNothing),
    caughtBy: ['metrics.reset-is-a-baseline', 'metrics.reset-survives-reopen'],
  },
  {
    bug: 'the baseline is forgotten on close',
    recipe: made(ResetForgottenOnClose),
    caughtBy: ['metrics.reset-survives-reopen'],
  },
  {
    bug: 'dry runs count as compactions',
    recipe: made(CountsDryRuns),
    caughtBy: [
      'metrics.dry-run-not-counted',
      'compaction.idle-runs-keep-plans',
      'plans.exactly-what-it-said',
      'plans.of-nothing',
      'plans.other-policy-refused',
      'plans.stale-after-compaction',
      'plans.survive-reopen',
    ],
  },
  {
    bug: 'drops are not counted',
    recipe: made(CountsNoDrops),
    caughtBy: ['metrics.compactions-counted'],
  },
  {
    bug: 'totals are forgotten on close',
    recipe: made(ForgetsTotalsOnClose),
    caughtBy: ['metrics.survive-reopen', 'metrics.reset-survives-reopen'],
  },
  {
    bug: 'scans of readers count',
    recipe: made(ReadersCountScans),
    caughtBy: ['metrics.scans-counted'],
  },
  {
    bug: 'refused records count as written',
    recipe: made(CountsAttempts),
    caughtBy: ['metrics.write-errors-counted'],
  },
  {
    bug: 'refused appends are not counted',
    recipe: made(CountsNoWriteErrors),
    caughtBy: ['metrics.write-errors-counted'],
  },
  {
    bug: 'a snapshot lacks a metric',
    recipe: made(LacksAKey),
    caughtBy: ['metrics.keys-complete'],
    widespread: true,
  },
]
