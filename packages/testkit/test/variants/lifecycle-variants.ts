import type { AppendFact, AppendResult, BeginOptions, BeginReport } from '@papyra/contracts'
import { ArrayBackend } from '../array-backend/array-backend.js'
import { made, type Variant } from './variant.js'

class CloseNotIdempotent extends ArrayBackend {
  override async close(): Promise<void> {
    this.checkOpen()
    await super.close()
  }
}

class AppendsAfterClose extends ArrayBackend {
  override async append(facts: readonly AppendFact[]): Promise<AppendResult> {
    return this.closed ? this.write(facts) : super.append(facts)
  }
}

class AppendsBeforeBegin extends ArrayBackend {
  override async append(facts: readonly AppendFact[]): Promise<AppendResult> {
    this.begun ||= this.handle.access === 'write'
    return super.append(facts)
  }
}

class ReadersMayWrite extends ArrayBackend {
  override checkWriter(): void {
    this.checkOpen()
  }
}

class KeepsTheLock extends ArrayBackend {
  override async close(): Promise<void> {
    this.drain()
    this.closed = true
  }
}

class BeginAgain extends ArrayBackend {
  override async begin(options: BeginOptions = {}): Promise<BeginReport> {
    this.begun = false
    return super.begin(options)
  }
}

class ForgetsPolicy extends ArrayBackend {
  override async begin({
    retention: _retention,
    ...options
  }: BeginOptions = {}): Promise<BeginReport> {
    return super.begin(options)
  }
}

class PlainErrors extends ArrayBackend {
  override checkOpen(): void {
    if (this.closed) throw new Error('The store is closed.')
  }
}

class SilentlyDoesNothing extends ArrayBackend {
  override cannot(): void {
    // As if there were nothing to do.
  }
}

class ClosesLate extends ArrayBackend {
  override async close(): Promise<void> {
    await Promise.resolve()
    await super.close()
  }
}

class ReadersReleaseTheLock extends ArrayBackend {
  override async close(): Promise<void> {
    await super.close()
    if (this.handle.access === 'read') this.handle.place.owner = null
  }
}

const STATES = ['closed', 'reading-closed'] as const
const OPERATIONS = [
  'append',
  'begin',
  'compact',
  'describe',
  'flush',
  'read',
  'readMeta',
  'recover',
  'resetMetrics',
  'scan',
]

export const lifecycleVariants: readonly Variant[] = [
  {
    bug: 'close rejects the second time',
    recipe: made(CloseNotIdempotent),
    caughtBy: ['lifecycle.close-idempotent'],
  },
  {
    bug: 'append after close is accepted',
    recipe: made(AppendsAfterClose),
    caughtBy: [
      'lifecycle.closed.append',
      'lifecycle.closing.append',
      'lifecycle.reading-closed.append',
    ],
  },
  {
    bug: 'append before begin is accepted',
    recipe: made(AppendsBeforeBegin),
    caughtBy: ['lifecycle.opened.append', 'recovery.begin-safe'],
  },
  {
    bug: 'a reader may write',
    recipe: made(ReadersMayWrite),
    caughtBy: ['begin', 'compact', 'recover', 'resetMetrics']
      .map((name) => `lifecycle.reading.${name}`)
      .concat('lifecycle.reading.append'),
  },
  {
    bug: 'the lock outlives close',
    recipe: made(KeepsTheLock),
    throws: 'the store is open',
    caughtBy: [
      'lifecycle.close-lets-go',
      'lifecycle.close-idempotent',
      'lifecycle.second-definition-locked',
    ],
    widespread: true,
  },
  {
    bug: 'a reader that closes lets the lock of the owner go',
    recipe: made(ReadersReleaseTheLock),
    caughtBy: ['lifecycle.reader-close-harmless'],
  },
  {
    bug: 'readers lock too',
    recipe: { readersLock: true },
    caughtBy: [
      'lifecycle.reader-takes-no-lock',
      'lifecycle.reader-close-harmless',
      'lifecycle.reader-beside-owner',
    ],
    widespread: true,
  },
  {
    bug: 'there is no lock',
    recipe: { locks: false },
    caughtBy: [
      'lifecycle.second-writer-locked',
      'lifecycle.second-definition-locked',
      'lifecycle.reader-close-harmless',
    ],
  },
  {
    bug: 'a missing store is made unasked',
    recipe: { makesMissing: true },
    caughtBy: ['lifecycle.missing-store-not-found'],
  },
  {
    bug: 'create if-missing wipes what is there',
    recipe: { wipesOnCreate: true },
    caughtBy: ['lifecycle.create-keeps-existing', 'append.survives-reopen'],
    widespread: true,
  },
  {
    bug: 'expectLogId is ignored',
    recipe: { checksLogId: false },
    caughtBy: ['lifecycle.wrong-log'],
  },
  {
    bug: 'a second begin replaces the policy',
    recipe: made(BeginAgain),
    caughtBy: ['lifecycle.begin-idempotent'],
  },
  {
    bug: 'the policy of the owner is not recorded',
    recipe: made(ForgetsPolicy),
    caughtBy: ['compaction.policy-recorded', 'lifecycle.begin-idempotent'],
  },
  {
    bug: 'errors have no code',
    recipe: made(PlainErrors),
    caughtBy: STATES.flatMap((state) =>
      OPERATIONS.map((name) => `lifecycle.${state}.${name}`),
    ).concat(
      OPERATIONS.map((name) => `lifecycle.closing.${name}`),
      'lifecycle.owner-closed',
    ),
  },
  {
    bug: 'what it cannot do is a silent no-op',
    recipe: made(SilentlyDoesNothing, { capabilities: { compaction: false } }),
    caughtBy: ['unsupported.compact', 'lifecycle.opened.compact', 'lifecycle.begun.compact'],
  },
  {
    bug: 'dry runs that it cannot do delete',
    recipe: made(SilentlyDoesNothing, { capabilities: { dryRun: false } }),
    caughtBy: ['unsupported.dry-run'],
  },
  {
    bug: 'a store that is closing still takes calls',
    recipe: made(ClosesLate),
    caughtBy: OPERATIONS.filter((name) => !name.startsWith('read')).map(
      (name) => `lifecycle.closing.${name}`,
    ),
  },
]
