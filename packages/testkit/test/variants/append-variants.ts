import { PapyraError, type AppendFact, type AppendResult } from '@papyra/contracts'
import { ArrayBackend } from '../array-backend/array-backend.js'
import { measure, type Line } from '../array-backend/store.js'
import { made, type Variant } from './variant.js'

class NumbersFromZero extends ArrayBackend {
  override nextNumber(): number {
    return this.store.nextSeq - 1
  }
}

class GapAfterRefused extends ArrayBackend {
  override refuseLarge(): never {
    this.store.nextSeq += 1
    return super.refuseLarge()
  }
}

class LosesLastOnClose extends ArrayBackend {
  override async close(): Promise<void> {
    if (this.closed) return
    await super.close()
    if (this.begun) this.store.lines.pop()
    measure(this.store)
  }
}

class CloseDoesNotDrain extends ArrayBackend {
  override async close(): Promise<void> {
    for (const { failed } of this.waiting) failed(new PapyraError('closed', 'Closed meanwhile.'))
    this.waiting = []
    await super.close()
  }
}

class AcknowledgesBeforeStoring extends ArrayBackend {
  override drain(): void {
    const batch = this.waiting
    this.waiting = []
    let next = this.store.nextSeq
    for (const { facts, done } of batch) {
      done({ firstSeq: next, lastSeq: next + facts.length - 1 })
      next += facts.length
    }
    setImmediate(() => {
      for (const { facts } of batch) this.writeOrForget(facts)
    })
  }
  writeOrForget(facts: readonly AppendFact[]): void {
    try {
      this.write(facts)
    } catch {
      // The caller was told long ago that all is well.
    }
  }
}

class BatchHalfApplied extends ArrayBackend {
  override write(facts: readonly AppendFact[]): AppendResult {
    if (facts.length === 1) return super.write(facts)
    const results = facts.map((fact) => super.write([fact]))
    const firstSeq = results[0]?.firstSeq ?? 0
    return { firstSeq, lastSeq: results.at(-1)?.lastSeq ?? firstSeq }
  }
}

class MutationVisible extends ArrayBackend {
  override take(facts: readonly AppendFact[]): readonly AppendFact[] {
    return facts
  }
}

class ReordersConcurrent extends ArrayBackend {
  override drain(): void {
    this.waiting.reverse()
    super.drain()
  }
}

class AcceptsEmptyList extends ArrayBackend {
  override async append(facts: readonly AppendFact[]): Promise<AppendResult> {
    if (facts.length > 0) return super.append(facts)
    return { firstSeq: this.store.nextSeq, lastSeq: this.store.nextSeq - 1 }
  }
}

class AcceptsAnySize extends ArrayBackend {
  override refuseLarge(): never {
    // As if there were no limit: the caller goes on.
    return undefined as never
  }
}

class PrintsAgain extends ArrayBackend {
  override encode(seq: number, fact: AppendFact): string {
    return JSON.stringify(JSON.parse(super.encode(seq, fact)))
  }
}

class TimesInSeconds extends ArrayBackend {
  override line(seq: number, fact: AppendFact): Line {
    const line = super.line(seq, fact)
    const timestamp = Math.floor(fact.timestamp / 1000) * 1000
    return { ...line, record: { ...line.record, timestamp } }
  }
}

class TimesInWholeMilliseconds extends ArrayBackend {
  override line(seq: number, fact: AppendFact): Line {
    const line = super.line(seq, fact)
    return { ...line, record: { ...line.record, timestamp: Math.round(fact.timestamp) } }
  }
}

class ForgetsLineEnd extends ArrayBackend {
  override sizeOf(json: string): number {
    return super.sizeOf(json) - 1
  }
}

class CountsCharacters extends ArrayBackend {
  override sizeOf(json: string): number {
    return json.length + 1
  }
}

class FlushDoesNotWait extends ArrayBackend {
  /** Appends are written in a later turn of the event loop. */
  override startDraining(): void {
    setImmediate(() => this.drain())
  }
  override async flush(): Promise<void> {
    this.checkOpen()
  }
}

export const appendVariants: readonly Variant[] = [
  {
    bug: 'numbers start with 0',
    recipe: made(NumbersFromZero),
    caughtBy: ['append.numbers-from-one', 'lifecycle.begin-next-number'],
    widespread: true,
  },
  {
    bug: 'a refused record takes a number',
    recipe: made(GapAfterRefused),
    caughtBy: [
      'append.too-large-refused',
      'append.batch-all-or-none',
      'append.refused-among-others',
    ],
  },
  {
    bug: 'the last record is lost on close',
    recipe: made(LosesLastOnClose),
    caughtBy: [
      'append.survives-reopen',
      'lifecycle.close-drains',
      'lifecycle.create-keeps-existing',
    ],
    widespread: true,
  },
  {
    bug: 'close does not wait for accepted appends',
    recipe: made(CloseDoesNotDrain),
    caughtBy: ['lifecycle.close-drains'],
  },
  {
    bug: 'acknowledged before it is stored',
    recipe: made(AcknowledgesBeforeStoring),
    caughtBy: ['append.batch-numbered-in-order', 'read.acknowledged-visible'],
    widespread: true,
  },
  {
    bug: 'a batch is half applied',
    recipe: made(BatchHalfApplied),
    caughtBy: ['append.batch-all-or-none'],
  },
  {
    bug: 'a later mutation of the list is stored',
    recipe: made(MutationVisible),
    caughtBy: ['append.later-mutation-ignored'],
  },
  {
    bug: 'appends at the same time change places',
    recipe: made(ReordersConcurrent),
    caughtBy: [
      'append.concurrent-order',
      'append.concurrent-batches-whole',
      'append.refused-among-others',
      'compaction.while-appending',
      'lifecycle.close-drains',
    ],
  },
  {
    bug: 'flush waits for nothing',
    recipe: made(FlushDoesNotWait),
    caughtBy: ['append.flush-waits'],
  },
  {
    bug: 'an empty list is accepted',
    recipe: made(AcceptsEmptyList),
    caughtBy: ['append.empty-list-refused'],
  },
  {
    bug: 'there is no limit of size',
    recipe: made(AcceptsAnySize),
    caughtBy: [
      'append.too-large-refused',
      'append.batch-all-or-none',
      'append.refused-among-others',
      'metrics.write-errors-counted',
    ],
  },
  {
    bug: 'members are parsed and printed again',
    recipe: made(PrintsAgain),
    caughtBy: ['append.members-exact'],
  },
  {
    bug: 'times lose their milliseconds',
    recipe: made(TimesInSeconds),
    caughtBy: ['append.timestamps-whole', 'append.timestamps-fractional'],
  },
  {
    bug: 'times lose their fraction',
    recipe: made(TimesInWholeMilliseconds),
    caughtBy: ['append.timestamps-fractional'],
  },
  {
    bug: 'bytes leave out the line end',
    recipe: made(ForgetsLineEnd),
    caughtBy: ['read.bytes-as-stored'],
  },
  {
    bug: 'bytes are counted in characters',
    recipe: made(CountsCharacters),
    caughtBy: ['read.bytes-as-stored'],
  },
]
