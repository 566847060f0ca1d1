import type { CompactionReport, CompactOptions } from '@papyra/contracts'
import { ArrayBackend } from '../array-backend/array-backend.js'
import { soundParts, type CompactParts } from '../array-backend/compact.js'
import { soundPlanChecks, type PlanChecks } from '../array-backend/plan-id.js'
import type { Recipe } from '../array-backend/subject.js'
import { made, type Variant } from './variant.js'

function withParts(parts: Partial<CompactParts>): Recipe {
  return made(
    class extends ArrayBackend {
      override compactParts: CompactParts = { ...soundParts, ...parts }
    },
  )
}

/** A backend that leaves a check of plans out. */
const without = (check: keyof PlanChecks): Recipe =>
  withParts({ planChecks: { ...soundPlanChecks, [check]: false } })

type Change = (report: CompactionReport, options: CompactOptions) => Partial<CompactionReport>

/** A backend whose reports say something else. */
function reports(change: Change): Recipe {
  return made(
    class extends ArrayBackend {
      override async compact(options: CompactOptions): Promise<CompactionReport> {
        const report = await super.compact(options)
        return { ...report, ...change(report, options) }
      }
    },
  )
}

/** Takes one record more than its plan, the oldest that the plan keeps. */
class TakesMore extends ArrayBackend {
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    const report = await super.compact(options)
    if (options.plan !== undefined && report.changed) this.store.lines.shift()
    return report
  }
}

/** Knows a plan only as long as it is open. */
class ForgetsPlansOnClose extends ArrayBackend {
  readonly known = new Set<string>()
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    const { plan } = options
    const known = plan === undefined || this.known.has(plan) || !plan.startsWith('plan:')
    const report = await super.compact(known ? options : { ...options, plan: 'forgotten' })
    if (report.plan !== null) this.known.add(report.plan.id)
    return report
  }
}

/** Takes whatever is no plan for the wish to compact by the policy, or by none. */
class TakesAnythingForAPlan extends ArrayBackend {
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    const { plan, ...rest } = options
    if (plan === undefined || plan.startsWith('plan:')) return super.compact(options)
    return super.compact({ policy: {}, ...rest })
  }
}

class NeedsNoPolicy extends ArrayBackend {
  override async compact(options: CompactOptions): Promise<CompactionReport> {
    const nothing = options.policy === undefined && options.plan === undefined
    return super.compact(nothing ? { ...options, policy: {} } : options)
  }
}

/** Changes what the history says of each compaction. */
function remembers(forget: 'trigger' | 'dropped' | 'durationMs'): Recipe {
  return made(
    class extends ArrayBackend {
      override async compact(options: CompactOptions): Promise<CompactionReport> {
        const report = await super.compact(options)
        this.store.history = this.store.history.map(({ [forget]: _gone, ...rest }) => rest)
        return report
      }
    },
  )
}

export const planVariants: readonly Variant[] = [
  {
    bug: 'a plan judges what was appended since, by the time that it is by then',
    recipe: withParts({ replans: true }),
    caughtBy: ['plans.exactly-what-it-said', 'plans.survive-reopen'],
  },
  {
    bug: 'a plan takes more than it said',
    recipe: made(TakesMore),
    caughtBy: ['plans.exactly-what-it-said', 'plans.survive-reopen', 'plans.other-policy-refused'],
  },
  {
    bug: 'a stale plan is carried out',
    recipe: without('stale'),
    caughtBy: ['plans.stale-after-compaction', 'plans.stale-after-recovery'],
  },
  {
    bug: 'the plan of another store is carried out',
    recipe: without('store'),
    caughtBy: ['plans.of-another-store-refused'],
  },
  {
    bug: 'a plan that was changed on the way is carried out',
    recipe: without('id'),
    caughtBy: ['plans.no-id-refused'],
    throws: 'undefined is no policy',
    widespread: true,
  },
  {
    bug: 'what is no plan is taken for none',
    recipe: made(TakesAnythingForAPlan),
    caughtBy: ['plans.no-id-refused'],
  },
  {
    bug: 'another policy beside a plan is passed over',
    recipe: without('policy'),
    caughtBy: ['plans.other-policy-refused'],
  },
  {
    bug: 'a plan is forgotten on close',
    recipe: made(ForgetsPlansOnClose),
    caughtBy: ['plans.survive-reopen', 'plans.stale-after-recovery'],
  },
  {
    bug: 'a dry run has no plan',
    recipe: reports(() => ({ plan: null })),
    caughtBy: ['plans.of-a-dry-run'],
    widespread: true,
  },
  {
    bug: 'a plan names files of which nothing goes',
    recipe: reports(({ plan }) => {
      const files = plan?.files.map((file) => ({ ...file, dropped: [] })) ?? []
      return plan === null ? {} : { plan: { ...plan, files } }
    }),
    caughtBy: ['plans.of-a-dry-run'],
  },
  {
    bug: 'a real run hands out a plan too',
    recipe: reports(({ plan, policy }) => {
      const { id, at, through } = { id: 'plan', at: 0, through: 0 }
      return plan === null && policy.maxRecords === 9
        ? { plan: { id, at, through, files: [] } }
        : {}
    }),
    caughtBy: ['plans.of-a-dry-run'],
  },
  {
    bug: 'a compaction needs neither policy nor plan',
    recipe: made(NeedsNoPolicy),
    caughtBy: ['compaction.policy-or-plan'],
  },
  {
    bug: 'without plans a plan is passed over',
    recipe: {
      capabilities: { plans: false },
      make: (handle) =>
        new (class extends ArrayBackend {
          override async compact({ plan: _plan, ...options }: CompactOptions) {
            return super.compact({ policy: {}, ...options })
          }
        })(handle),
    },
    caughtBy: ['unsupported.plan', 'compaction.policy-or-plan'],
  },
  {
    bug: 'the history does not say who asked for a compaction',
    recipe: remembers('trigger'),
    caughtBy: ['compaction.history-tells', 'compaction.idle-runs-recorded'],
  },
  {
    bug: 'the history does not say what a compaction took',
    recipe: remembers('dropped'),
    caughtBy: ['compaction.history-tells', 'compaction.idle-runs-recorded'],
  },
  {
    bug: 'the history does not say how long a compaction took',
    recipe: remembers('durationMs'),
    caughtBy: ['compaction.history-tells', 'compaction.idle-runs-recorded'],
  },
]
