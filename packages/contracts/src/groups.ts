import type { LongOperation } from './operations.js'

/** One consumer group of the records of one kind. */
export interface GroupRef {
  /** Kind of the records that it handles, such as `event`. */
  readonly kind: string
  readonly group: string
}

/** A record that was delivered to a consumer and is not acknowledged yet. */
export interface PendingRecord {
  readonly seq: number
  readonly consumer: string
  /** Since it was delivered last, in ms. */
  readonly idleMs: number
  /** How often it was delivered, the first time included. */
  readonly deliveries: number
}

/** A consumer of a group, as the server knows it. */
export interface ConsumerDescription {
  readonly name: string
  readonly pending: number
  /** Since it last asked for records, in ms. */
  readonly idleMs: number
  /**
   * `alive`: it asked lately. `abandoned`: it holds records and has not asked for long. `ghost`: it
   * holds none and has not asked for long.
   */
  readonly state: 'alive' | 'abandoned' | 'ghost'
}

/** How many records were pending at a time. */
export interface PendingSample {
  /** Wall time in ms. */
  readonly at: number
  readonly pending: number
  /** Records that were not delivered yet; `null` if that was not known. */
  readonly lag: number | null
}

/** How far records wait for their group. */
export interface GroupLag {
  /** Records that were not delivered yet; `null` if nobody can tell. */
  readonly records: number | null
  /** True if it was counted up to a limit, so that there may be more. */
  readonly atLeast: boolean
  /** Age of the oldest record that was not delivered yet, in seconds; `null` if there is none. */
  readonly seconds: number | null
}

/** The run of a claim that was recorded last. */
export interface ClaimSummary {
  /** Wall time in ms. */
  readonly at: number
  readonly consumer: string
  readonly claimed: number
  /** Records that were pending and are gone from the store. */
  readonly deleted: number
  /** Records that were moved to the dead letters of the group. */
  readonly poison: number
}

export interface GroupDescription extends GroupRef {
  readonly consumers: readonly ConsumerDescription[]
  readonly pending: number
  /** The pending record that has waited longest; `null` if none is pending. */
  readonly oldestPending: PendingRecord | null
  /** Most deliveries of one of the pending records that were looked at; 0 if none is pending. */
  readonly mostDeliveries: number
  readonly lag: GroupLag
  /** Number of the last record that was delivered to anybody. */
  readonly lastDelivered: number
  /** Records that it gave up on and keeps aside. */
  readonly poison: number
  /** True if records wait or are pending and no consumer is alive. */
  readonly abandoned: boolean
  /**
   * True if the server does not have it any more, though nobody removed it: a consumer makes it again
   * where it was, and until then compaction keeps what it has not handled.
   */
  readonly vanished: boolean
  readonly lastClaim: ClaimSummary | null
  /** Oldest first, the last of them not necessarily of now. */
  readonly samples: readonly PendingSample[]
}

/** Something that an operator does to a group. */
export type GroupAct =
  /** Gives all that has been pending for so long to another consumer. */
  | (GroupRef & {
      readonly what: 'claim'
      readonly to: string
      readonly minIdleMs: number
      /** Only what this consumer holds. */
      readonly from?: string
    })
  /** Removes a consumer; what it holds goes to another one first. */
  | (GroupRef & {
      readonly what: 'remove_consumer'
      readonly consumer: string
      readonly to: string
    })
  /** Removes a group, with what is pending in it. The records stay in the store. */
  | (GroupRef & { readonly what: 'remove_group' })
  /** Lets a group go on behind another record: those after `after` are delivered, again or at all. */
  | (GroupRef & { readonly what: 'reset'; readonly after: number })

/** Exactly what an act would do. */
export interface GroupPlan {
  /** One word, which holds the whole plan; apply it with `applyGroupPlan`. */
  readonly id: string
  readonly act: GroupAct
  /** Wall time in ms at which it was made. */
  readonly at: number
  /** Records that change hands, or that are forgotten as pending. */
  readonly pending: readonly PendingRecord[]
  /** How many these are, of which `pending` lists the first 1000. */
  readonly pendingTotal: number
  /** Undelivered records that are delivered because of it (reset back), or never (reset on, removal). */
  readonly redelivered: number
  readonly skipped: number
  /** Consumers that go. */
  readonly consumers: readonly string[]
}

export interface GroupActReport {
  readonly act: GroupAct
  readonly changed: boolean
  readonly claimed: number
  /** Pending records that are gone from the store: reported, and no longer pending. */
  readonly deleted: readonly number[]
  readonly forgotten: number
  readonly consumers: readonly string[]
}

/** Groups of consumers, of a backend that has them. */
export interface GroupsPort {
  /**
   * All groups, or those that are named. On a store that was opened for writing each call records a
   * sample of the pending records with the store. Rejects with `group_not_found`.
   */
  list(which?: Partial<GroupRef>): Promise<readonly GroupDescription[]>
  /** The pending records of a group, oldest first. Rejects with `group_not_found`. */
  pending(
    group: GroupRef,
    options?: { readonly consumer?: string; readonly minIdleMs?: number },
  ): AsyncIterable<PendingRecord>
  /** Tells what an act would do and changes nothing. Rejects with `group_not_found`. */
  plan(act: GroupAct, options?: LongOperation): Promise<GroupPlan>
  /**
   * Does what a plan says and no more. Rejects with `stale_plan` if what it says is no longer so,
   * with `read_only`, or with `invalid_argument` if it is no plan.
   */
  apply(planId: string, options?: LongOperation): Promise<GroupActReport>
}
