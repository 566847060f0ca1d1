import type { ReadQuery, RecordMeta, StoredRecord } from '@papyra/contracts'
import { ArrayBackend } from '../array-backend/array-backend.js'
import type { Line } from '../array-backend/store.js'
import { made, type Variant } from './variant.js'

class LimitBeforeFilter extends ArrayBackend {
  override async *walk(lines: readonly Line[], query: ReadQuery): AsyncGenerator<StoredRecord> {
    const { limit, order, signal, ...filters } = query
    const shape = {
      ...(order === undefined ? {} : { order }),
      ...(signal === undefined ? {} : { signal }),
    }
    for await (const record of super.walk(
      lines,
      limit === undefined ? shape : { ...shape, limit },
    )) {
      if (this.matches(record, filters)) yield record
    }
  }
}

class SinceExclusive extends ArrayBackend {
  override matches(record: StoredRecord, query: ReadQuery): boolean {
    return super.matches(record, query) && record.timestamp !== query.since
  }
}

class UntilInclusive extends ArrayBackend {
  override matches(record: StoredRecord, query: ReadQuery): boolean {
    if (query.until === undefined) return super.matches(record, query)
    return super.matches(record, { ...query, until: query.until + 1 })
  }
}

class AfterSeqInclusive extends ArrayBackend {
  override matches(record: StoredRecord, query: ReadQuery): boolean {
    if (query.afterSeq === undefined) return super.matches(record, query)
    return super.matches(record, { ...query, afterSeq: query.afterSeq - 1 })
  }
}

class KindsIgnored extends ArrayBackend {
  override matches(record: StoredRecord, { kinds: _kinds, ...query }: ReadQuery): boolean {
    return super.matches(record, query)
  }
}

class UnknownKindsHidden extends ArrayBackend {
  override matches(record: StoredRecord, query: ReadQuery): boolean {
    return record.kind !== 'trace' && super.matches(record, query)
  }
}

class UndatedMatches extends ArrayBackend {
  override matches(record: StoredRecord, query: ReadQuery): boolean {
    const { since, until, ...rest } = query
    return super.matches(record, Number.isNaN(record.timestamp) ? rest : query)
  }
}

class NewestIsOldest extends ArrayBackend {
  override reversed(lines: readonly Line[]): readonly Line[] {
    return lines
  }
}

class SortsByTime extends ArrayBackend {
  override visible(): readonly Line[] {
    return [...super.visible()].sort((a, b) => a.record.timestamp - b.record.timestamp)
  }
}

class ReadsLive extends ArrayBackend {
  /** Gives the array itself, so that a compaction on the way shifts what is still to come. */
  override async *walk(_lines: readonly Line[], query: ReadQuery): AsyncGenerator<StoredRecord> {
    if (query.order === 'newest' || query.limit !== undefined) {
      yield* super.walk(_lines, query)
      return
    }
    for (let index = 0; index < this.store.lines.length; index += 1) {
      yield* super.walk(this.store.lines.slice(index, index + 1), query)
    }
    yield* super.walk([], query)
  }
}

class RepeatsOnAppend extends ArrayBackend {
  /** Starts again whenever something was appended meanwhile. */
  override async *walk(lines: readonly Line[], query: ReadQuery): AsyncGenerator<StoredRecord> {
    const before = this.store.nextSeq
    yield* super.walk(lines, query)
    if (this.store.nextSeq !== before) yield* super.walk(this.visible(), query)
  }
}

class ZeroLimitMeansAll extends ArrayBackend {
  override checkLimit(): void {
    // Takes any limit.
  }
}

class IgnoresAbort extends ArrayBackend {
  override read({ signal: _signal, ...query }: ReadQuery = {}): AsyncIterable<StoredRecord> {
    return super.read(query)
  }
}

class MetaOldestFirst extends ArrayBackend {
  override async *readMeta(
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<RecordMeta> {
    for await (const { seq, kind, timestamp, bytes } of this.read(options)) {
      yield { seq, kind, timestamp, bytes }
    }
  }
}

class LeakyReaders extends ArrayBackend {
  reading = 0
  override async *walk(lines: readonly Line[], query: ReadQuery): AsyncGenerator<StoredRecord> {
    this.reading += 1
    if (this.reading > 64) throw new Error('EMFILE: too many open files')
    yield* super.walk(lines, query)
    // Not in a `finally`: a reader that stops early is never counted down.
    this.reading -= 1
  }
}

export const readVariants: readonly Variant[] = [
  {
    bug: 'limit is counted before the filters',
    recipe: made(LimitBeforeFilter),
    caughtBy: ['read.limit', 'read.limit-after-filters'],
  },
  {
    bug: 'since is exclusive',
    recipe: made(SinceExclusive),
    caughtBy: ['read.since-inclusive', 'read.until-exclusive', 'read.limit-after-filters'],
  },
  {
    bug: 'until is inclusive',
    recipe: made(UntilInclusive),
    caughtBy: ['read.until-exclusive', 'read.limit-after-filters'],
  },
  {
    bug: 'afterSeq is inclusive',
    recipe: made(AfterSeqInclusive),
    caughtBy: ['read.sequence-bounds', 'read.limit'],
  },
  {
    bug: 'kinds is ignored',
    recipe: made(KindsIgnored),
    caughtBy: [
      'read.kinds',
      'read.limit-after-filters',
      'read.unknown-kinds-shown',
      'compaction.while-appending',
    ],
  },
  {
    bug: 'records of unknown kinds are hidden',
    recipe: made(UnknownKindsHidden),
    caughtBy: ['read.unknown-kinds-shown', 'retention.unknown-kinds-kept'],
  },
  {
    bug: 'records without a time match every time limit',
    recipe: made(UndatedMatches),
    caughtBy: ['read.unusable-time'],
  },
  {
    bug: 'newest gives the oldest first',
    recipe: made(NewestIsOldest),
    caughtBy: ['read.order', 'read.meta-newest-first', 'read.limit', 'read.sequence-bounds'],
    widespread: true,
  },
  {
    bug: 'records come by time instead of number',
    recipe: made(SortsByTime),
    caughtBy: ['read.order', 'append.timestamps-whole'],
    widespread: true,
  },
  {
    bug: 'a compaction on the way makes a read skip records',
    recipe: made(ReadsLive),
    caughtBy: ['compaction.while-reading'],
  },
  {
    bug: 'a read starts again when something was appended',
    recipe: made(RepeatsOnAppend),
    caughtBy: ['read.while-appending'],
  },
  { bug: 'limit 0 means all', recipe: made(ZeroLimitMeansAll), caughtBy: ['read.limit-positive'] },
  { bug: 'the signal is ignored by reads', recipe: made(IgnoresAbort), caughtBy: ['read.abort'] },
  {
    bug: 'readMeta gives the oldest first',
    recipe: made(MetaOldestFirst),
    caughtBy: ['read.meta-newest-first', 'read.early-stop', 'read.independent-readers'],
    widespread: true,
  },
  {
    bug: 'a reader that stops early is never let go',
    recipe: made(LeakyReaders),
    throws: 'EMFILE: too many open files',
    caughtBy: ['read.early-stop'],
  },
]
