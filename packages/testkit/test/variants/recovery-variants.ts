import type {
  BeginOptions,
  BeginReport,
  CompactionReport,
  CompactOptions,
  RecoverOptions,
  RecoveryReport,
  ScanOptions,
  ScanReport,
} from '@papyra/contracts'
import { ArrayBackend } from '../array-backend/array-backend.js'
import type { Found } from '../array-backend/inspect.js'
import { soundRecoverParts, type RecoverParts } from '../array-backend/recover.js'
import type { Recipe } from '../array-backend/subject.js'
import { made, type Variant } from './variant.js'

/** A backend whose recovery has other parts. */
function withParts(parts: Partial<RecoverParts>): Recipe {
  return made(
    class extends ArrayBackend {
      override recoverParts: RecoverParts = { ...soundRecoverParts, ...parts }
    },
  )
}

const { mend } = soundRecoverParts

class ScansAlwaysClean extends ArrayBackend {
  override report(_damage: readonly Found[], maxAnomalies?: number): ScanReport {
    return super.report([], maxAnomalies)
  }
}

class TellsNoPlace extends ArrayBackend {
  override damage(): Found[] {
    return super.damage().map(({ line, anomaly }) => ({
      line,
      anomaly: { ...anomaly, offset: null, seq: null },
    }))
  }
}

class ScanMends extends ArrayBackend {
  override async scan(options: ScanOptions = {}): Promise<ScanReport> {
    const report = await super.scan(options)
    this.store.lines = this.store.lines.filter((line) => line.state !== 'torn')
    return report
  }
}

class ScanIgnoresAbort extends ArrayBackend {
  override async scan({ signal: _signal, ...options }: ScanOptions = {}): Promise<ScanReport> {
    return super.scan(options)
  }
}

class ScanTakesNumbers extends ArrayBackend {
  override async scan(options: ScanOptions = {}): Promise<ScanReport> {
    const report = await super.scan(options)
    if (this.begun) this.store.nextSeq += 1
    return report
  }
}

class HidesWhereTheTailIs extends ArrayBackend {
  override setTailAside(): readonly string[] {
    super.setTailAside()
    return []
  }
}

class RefusesToSetTailAside extends ArrayBackend {
  override setTailAside(): readonly string[] {
    return []
  }
}

class ProgressGoesBack extends ArrayBackend {
  override tell(onProgress: ScanOptions['onProgress']): void {
    onProgress?.({ phase: 'scan', doneBytes: 2, totalBytes: 9, records: 1 })
    onProgress?.({ phase: 'scan', doneBytes: 1, totalBytes: 9, records: 1 })
  }
}

class CompactsDamage extends ArrayBackend {
  compacting = false
  override damage(): Found[] {
    return this.compacting ? [] : super.damage()
  }
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    this.compacting = true
    return super.compact(options).finally(() => (this.compacting = false))
  }
}

class BeginsOnDamage extends ArrayBackend {
  override async begin(options: BeginOptions = {}): Promise<BeginReport> {
    // What stands there and is not sound is written over.
    this.store.lines = this.store.lines.filter((line) => line.state === 'sound')
    this.beginning = true
    return super.begin(options).finally(() => (this.beginning = false))
  }
  beginning = false
  override damage(): Found[] {
    return this.beginning ? [] : super.damage()
  }
}

class RecoversAfterBegin extends ArrayBackend {
  override async recover(options: RecoverOptions): Promise<RecoveryReport> {
    this.begun = false
    return super.recover(options)
  }
}

class ForgetsLosses extends ArrayBackend {
  override async recover(options: RecoverOptions): Promise<RecoveryReport> {
    const report = await super.recover(options)
    this.store.losses = []
    return report
  }
}

class CountsNoRecovery extends ArrayBackend {
  override async recover(options: RecoverOptions): Promise<RecoveryReport> {
    const report = await super.recover(options)
    this.store.totals.recoveries = 0
    return report
  }
}

class RecoverIgnoresAbort extends ArrayBackend {
  override async recover({ signal: _signal, ...options }: RecoverOptions): Promise<RecoveryReport> {
    return super.recover(options)
  }
}

class NumbersLostAgain extends ArrayBackend {
  override async recover(options: RecoverOptions): Promise<RecoveryReport> {
    const report = await super.recover(options)
    if (report.changed && !report.dryRun) this.store.nextSeq = this.store.lines.length + 1
    return report
  }
}

const scans: readonly Variant[] = [
  {
    bug: 'a scan always says clean',
    recipe: made(ScansAlwaysClean),
    caughtBy: [
      'scan.auto-sees-damage',
      'recovery.damage-found',
      'recovery.scan-mends-nothing',
      'recovery.begin-safe',
      'recovery.compact-refuses',
      'recovery.loss-needs-consent',
      'recovery.mends',
      'recovery.dry-run-foretells',
      'recovery.quarantine',
      'recovery.abort',
    ],
  },
  {
    bug: 'anomalies have no place',
    recipe: made(TellsNoPlace),
    caughtBy: ['recovery.damage-found', 'recovery.mends'],
    widespread: true,
  },
  {
    bug: 'a scan mends what it finds',
    recipe: made(ScanMends),
    caughtBy: ['recovery.scan-mends-nothing'],
    widespread: true,
  },
  {
    bug: 'the signal is ignored by scans',
    recipe: made(ScanIgnoresAbort),
    caughtBy: ['scan.abort'],
  },
  {
    bug: 'a scan takes a number',
    recipe: made(ScanTakesNumbers),
    caughtBy: ['scan.changes-nothing', 'scan.while-appending'],
    widespread: true,
  },
]

const recoveries: readonly Variant[] = [
  {
    bug: 'recover drops a sound record',
    recipe: withParts({
      mend: (lines, removed) => mend(lines, removed).slice(removed.size > 0 ? 1 : 0),
    }),
    caughtBy: ['recovery.mends', 'recovery.quarantine'],
    widespread: true,
  },
  {
    bug: 'recover parses and prints again',
    recipe: withParts({
      mend: (lines, removed) =>
        mend(lines, removed).map(({ record, state }) => ({
          state,
          record: { ...record, json: `${record.json} ` },
        })),
    }),
    caughtBy: ['recovery.mends', 'recovery.quarantine'],
  },
  {
    bug: 'recover mends nothing',
    recipe: withParts({ mend: (lines) => [...lines] }),
    caughtBy: ['recovery.mends', 'recovery.loss-needs-consent', 'recovery.quarantine'],
    widespread: true,
  },
  {
    bug: 'a second recover changes the store',
    recipe: withParts({ alwaysChanges: true }),
    caughtBy: ['recovery.second-run-changes-nothing', 'scan.recover-clean-changes-nothing'],
  },
  {
    bug: 'loss is accepted unasked',
    recipe: withParts({ asksConsent: false }),
    caughtBy: ['recovery.loss-needs-consent'],
  },
  {
    bug: 'loss is not recorded',
    recipe: withParts({ recordsLoss: false, asksConsent: false }),
    caughtBy: ['recovery.mends', 'recovery.loss-needs-consent'],
    widespread: true,
  },
  {
    bug: 'recorded losses are forgotten',
    recipe: made(ForgetsLosses),
    caughtBy: ['recovery.recorded', 'recovery.mends'],
    widespread: true,
  },
  {
    bug: 'a dry run of recover mends',
    recipe: withParts({ writesOnDryRun: true }),
    caughtBy: ['recovery.dry-run-foretells', 'recovery.plan-is-carried-out'],
  },
  {
    bug: 'a dry run of recover gives no plan',
    recipe: withParts({ givesPlan: false }),
    caughtBy: [
      'recovery.plan-is-carried-out',
      'recovery.stale-plan-refused',
      'recovery.wrong-plan-refused',
    ],
  },
  {
    bug: 'recover carries out any plan',
    recipe: withParts({ checksPlan: false }),
    caughtBy: ['recovery.stale-plan-refused', 'recovery.wrong-plan-refused'],
  },
  {
    bug: 'what is taken out is not kept aside',
    recipe: withParts({ keepsAside: false }),
    caughtBy: ['recovery.mends', 'recovery.quarantine'],
  },
  {
    bug: 'quarantine needs no folder',
    recipe: withParts({ needsFolder: false }),
    caughtBy: ['recovery.quarantine'],
  },
  {
    bug: 'recover works on a store that has begun',
    recipe: made(RecoversAfterBegin),
    caughtBy: ['lifecycle.begun.recover'],
  },
  {
    bug: 'the signal is ignored by recover',
    recipe: made(RecoverIgnoresAbort),
    caughtBy: ['recovery.abort'],
  },
  {
    bug: 'recoveries are not counted',
    recipe: made(CountsNoRecovery),
    caughtBy: ['recovery.counted', 'plans.stale-after-recovery'],
  },
  {
    bug: 'numbers that were lost are given again',
    recipe: made(NumbersLostAgain),
    caughtBy: ['recovery.mends'],
    widespread: true,
  },
]

const gates: readonly Variant[] = [
  {
    bug: 'compaction works on a damaged store',
    recipe: made(CompactsDamage),
    caughtBy: ['recovery.compact-refuses'],
  },
  {
    bug: 'begin works on a damaged store and hides the damage',
    recipe: made(BeginsOnDamage),
    caughtBy: ['recovery.begin-safe', 'recovery.tail-set-aside'],
  },
]

const tails: readonly Variant[] = [
  {
    bug: 'a tail that was set aside is not named',
    recipe: made(HidesWhereTheTailIs),
    caughtBy: ['recovery.tail-set-aside'],
  },
  {
    bug: 'a tail is never set aside',
    recipe: made(RefusesToSetTailAside),
    caughtBy: ['recovery.tail-set-aside'],
  },
  {
    bug: 'progress goes back',
    recipe: made(ProgressGoesBack),
    caughtBy: ['scan.progress'],
  },
]

export const recoveryVariants: readonly Variant[] = [...scans, ...recoveries, ...gates, ...tails]
