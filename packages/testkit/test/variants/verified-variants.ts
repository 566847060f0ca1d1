import type { BeginOptions, BeginReport, ScanOptions, ScanReport } from '@papyra/contracts'
import { ArrayBackend } from '../array-backend/array-backend.js'
import { closedLines } from '../array-backend/store.js'
import { made, type Variant } from './variant.js'

class NeverVerified extends ArrayBackend {
  override noteVerified(): void {
    this.store.verifiedAt = null
  }
}

class ReadersVerify extends ArrayBackend {
  override async scan(options: ScanOptions = {}): Promise<ScanReport> {
    const report = await super.scan(options)
    if (report.coverage === 'full') this.noteVerified(this.damage())
    return report
  }
}

class ForgetsOnClose extends ArrayBackend {
  override async close(): Promise<void> {
    if (!this.closed && this.handle.access === 'write') this.store.verifiedAt = null
    await super.close()
  }
}

class HidesWhatItLeftOut extends ArrayBackend {
  override quickReport(report: ScanReport, verifiedAt: number): ScanReport {
    return { ...super.quickReport(report, verifiedAt), unread: null }
  }
}

class TellsAnotherTime extends ArrayBackend {
  override quickReport(report: ScanReport): ScanReport {
    return super.quickReport(report, this.handle.clock.now())
  }
}

class FullIsTheSame extends ArrayBackend {
  override async scan(options: ScanOptions = {}): Promise<ScanReport> {
    const report = await super.scan(options)
    if (this.handle.access === 'write' || report.coverage !== 'full') return report
    return { ...report, unread: { files: 1, bytes: report.bytes, verifiedAt: 0 } }
  }
}

class AnyAgeWillDo extends ArrayBackend {
  override verifiedLately(): number | null {
    return super.verifiedLately({ maxVerifiedAgeMs: Number.POSITIVE_INFINITY })
  }
}

class NoAgeByDefault extends ArrayBackend {
  override verifiedLately({
    maxVerifiedAgeMs = Number.POSITIVE_INFINITY,
  }: ScanOptions): number | null {
    return super.verifiedLately({ maxVerifiedAgeMs })
  }
}

class IncludesTheLimit extends ArrayBackend {
  override verifiedLately({ maxVerifiedAgeMs = 86_400_000 }: ScanOptions): number | null {
    return super.verifiedLately({ maxVerifiedAgeMs: maxVerifiedAgeMs + 1 })
  }
}

class LooksAtNothingOfAClosedStore extends ArrayBackend {
  override isUntouched(): boolean {
    return this.store.closed !== null
  }
}

class StaysMarkedAsClosed extends ArrayBackend {
  override async begin(options?: BeginOptions): Promise<BeginReport> {
    const report = await super.begin(options)
    this.store.closed = closedLines(this.store)
    return report
  }
  override drain(): void {
    super.drain()
    if (this.begun) this.store.closed = closedLines(this.store)
  }
}

class RecoveryVerifiesNothing extends ArrayBackend {
  override async recover(...args: Parameters<ArrayBackend['recover']>) {
    const { verifiedAt } = this.store
    const report = await super.recover(...args)
    this.store.verifiedAt = verifiedAt
    return report
  }
}

export const verifiedVariants: readonly Variant[] = [
  {
    bug: 'no scan counts as a verification',
    recipe: made(NeverVerified),
    caughtBy: ['scan.verified-by-the-owner'],
  },
  {
    bug: 'the scan of a reader counts as a verification',
    recipe: made(ReadersVerify),
    caughtBy: ['scan.verified-by-the-owner', 'scan.auto-only-while-verified'],
  },
  {
    bug: 'when it was verified is forgotten on close',
    recipe: made(ForgetsOnClose),
    caughtBy: ['scan.verified-by-the-owner', 'scan.verified-by-recovery'],
  },
  {
    bug: 'a quick scan does not say what it left out',
    recipe: made(HidesWhatItLeftOut),
    caughtBy: ['scan.tells-what-it-left-out'],
  },
  {
    bug: 'a quick scan says that all was verified just now',
    recipe: made(TellsAnotherTime),
    caughtBy: ['scan.tells-what-it-left-out'],
  },
  {
    bug: 'a full scan says that it left something out',
    recipe: made(FullIsTheSame),
    caughtBy: ['scan.auto-only-while-verified', 'scan.tells-what-it-left-out'],
  },
  {
    bug: 'any verification will do, however old',
    recipe: made(AnyAgeWillDo),
    caughtBy: ['scan.auto-only-while-verified'],
  },
  {
    bug: 'by default any verification will do',
    recipe: made(NoAgeByDefault),
    caughtBy: ['scan.auto-only-while-verified'],
  },
  {
    bug: 'a verification as old as is allowed will do',
    recipe: made(IncludesTheLimit),
    caughtBy: ['scan.auto-only-while-verified'],
  },
  {
    bug: 'a store that was closed is not looked at',
    recipe: made(LooksAtNothingOfAClosedStore),
    caughtBy: ['scan.auto-sees-damage'],
  },
  {
    bug: 'a store that takes appends looks closed',
    recipe: made(StaysMarkedAsClosed),
    caughtBy: ['scan.auto-full-unless-closed'],
  },
  {
    bug: 'a recovery counts as no verification',
    recipe: made(RecoveryVerifiesNothing),
    caughtBy: ['scan.verified-by-recovery'],
  },
]
