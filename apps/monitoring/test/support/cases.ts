/** Series by number, in the notation of promtool: `0x5 3x20` is 0 and 5 more of it, then 3 and 20 more. */
export interface Series {
  readonly [name: string]: string
}

/** What makes an alert fire at `at` minutes, and what looks like it and must not. */
export interface Case {
  readonly alert: string
  readonly firing: readonly Series[]
  readonly silent: readonly Series[]
  readonly at: number
  /** True for one that takes days: a value every 5 minutes, a look at the rules every 30. */
  readonly long?: boolean
}

const DAY = 24 * 60

export const CASES: readonly Case[] = [
  {
    alert: 'PapyraFactsDropped',
    firing: [{ 'papyra.fact.dropped': '0x5 3x20' }],
    silent: [{ 'papyra.fact.dropped': '3x30' }, { 'papyra.fact.dropped': '0x4 3x30' }],
    at: 15,
  },
  {
    alert: 'PapyraWriteErrors',
    firing: [
      { 'papyra.record.write_errors': '0x14 1x10', 'papyra.write.failing': '0x30' },
      { 'papyra.record.write_errors': '4x30', 'papyra.write.failing': '2x30' },
    ],
    silent: [{ 'papyra.record.write_errors': '0x3 4x30', 'papyra.write.failing': '0x30' }],
    at: 16,
  },
  {
    alert: 'PapyraWriterLatched',
    firing: [{ 'papyra.write.latched': '1x9' }],
    silent: [{ 'papyra.write.latched': '0x9' }],
    at: 5,
  },
  {
    alert: 'PapyraFactsWaiting',
    firing: [{ 'papyra.fact.waiting': '5+1x40' }, { 'papyra.fact.waiting': '5x40' }],
    // Falling; empty in between; none.
    silent: [
      { 'papyra.fact.waiting': '90-1x40' },
      { 'papyra.fact.waiting': '5x14 0 5x20' },
      { 'papyra.fact.waiting': '0x40' },
    ],
    at: 20,
  },
  {
    alert: 'PapyraOwnerKilled',
    firing: [{ 'papyra.owner.killed': '1x5 2x99' }],
    silent: [{ 'papyra.owner.killed': '2x99' }],
    at: 20,
  },
  {
    alert: 'PapyraAnomaliesFound',
    firing: [{ 'papyra.anomaly.detected': '0x5 2x99' }],
    silent: [{ 'papyra.anomaly.detected': '2x99' }],
    at: 20,
  },
  {
    alert: 'PapyraRecovered',
    firing: [{ 'papyra.recovery.last_run.timestamp': '7000x130' }],
    // Long ago; never.
    silent: [
      { 'papyra.recovery.last_run.timestamp': '60x130' },
      { 'papyra.recovery.last_run.timestamp': '0x130' },
    ],
    at: 120,
  },
  {
    alert: 'PapyraRecordsLost',
    firing: [
      {
        'papyra.record.lost': '3x320',
        'papyra.recovery.last_run.timestamp': '89000x320',
      },
    ],
    // Long ago; a recovery that lost nothing.
    silent: [
      { 'papyra.record.lost': '3x320', 'papyra.recovery.last_run.timestamp': '60x320' },
      { 'papyra.record.lost': '0x320', 'papyra.recovery.last_run.timestamp': '89000x320' },
    ],
    at: 1500,
    long: true,
  },
  {
    alert: 'PapyraGateRefused',
    firing: [{ 'papyra.startup.refused': '1x9' }],
    silent: [{ 'papyra.startup.refused': '0x9' }],
    at: 5,
  },
  {
    alert: 'PapyraNotReady',
    firing: [
      {
        'papyra.service.ready': '0x30',
        'papyra.service.stopping': '0x30',
        'papyra.startup.refused': '0x30',
      },
    ],
    // It is to stop; its gate refused, which has an alert of its own; not for long enough.
    silent: [
      {
        'papyra.service.ready': '0x30',
        'papyra.service.stopping': '1x30',
        'papyra.startup.refused': '0x30',
      },
      {
        'papyra.service.ready': '0x30',
        'papyra.service.stopping': '0x30',
        'papyra.startup.refused': '1x30',
      },
      {
        'papyra.service.ready': '0x12 1x30',
        'papyra.service.stopping': '0x30',
        'papyra.startup.refused': '0x30',
      },
    ],
    at: 20,
  },
  {
    alert: 'PapyraCompactionOverdue',
    firing: [
      // Never, and long ago.
      {
        'papyra.retention.bounded': '1x640',
        'papyra.compaction.last_run.timestamp': '0x640',
        'papyra.store.created.timestamp': '60x640',
      },
      {
        'papyra.retention.bounded': '1x640',
        'papyra.compaction.last_run.timestamp': '600x640',
        'papyra.store.created.timestamp': '60x640',
      },
    ],
    // No policy; a run yesterday; a new store.
    silent: [
      {
        'papyra.retention.bounded': '0x640',
        'papyra.compaction.last_run.timestamp': '0x640',
        'papyra.store.created.timestamp': '60x640',
      },
      {
        'papyra.retention.bounded': '1x640',
        'papyra.compaction.last_run.timestamp': '100000x640',
        'papyra.store.created.timestamp': '60x640',
      },
      {
        'papyra.retention.bounded': '1x640',
        'papyra.compaction.last_run.timestamp': '0x640',
        'papyra.store.created.timestamp': '100000x640',
      },
    ],
    at: 2 * DAY + 120,
    long: true,
  },
  {
    alert: 'PapyraCompactionReclaimsNothing',
    firing: [
      {
        'papyra.storage.usage': '1000+1x2100',
        'papyra.compaction.last_run.timestamp': '0+300x2100',
        'papyra.compaction.reclaimed': '7x2100',
      },
    ],
    // It gives bytes back; it does not run, which has an alert of its own; it hardly grows.
    silent: [
      {
        'papyra.storage.usage': '1000+1x2100',
        'papyra.compaction.last_run.timestamp': '0+300x2100',
        'papyra.compaction.reclaimed': '7+1x2100',
      },
      {
        'papyra.storage.usage': '1000+1x2100',
        'papyra.compaction.last_run.timestamp': '0x2100',
        'papyra.compaction.reclaimed': '7x2100',
      },
      {
        'papyra.storage.usage': '9000+1x2100',
        'papyra.compaction.last_run.timestamp': '0+300x2100',
        'papyra.compaction.reclaimed': '7x2100',
      },
    ],
    at: 7 * DAY + 180,
    long: true,
  },
  {
    alert: 'PapyraMaintenanceErrors',
    firing: [
      { 'papyra.compaction.errors': '0x5 1x99' },
      { 'papyra.scan.errors': '0x5 1x99' },
      { 'papyra.recovery.errors': '0x5 1x99' },
      { 'papyra.segment.rotation_errors': '0x5 1x99' },
    ],
    silent: [
      {
        'papyra.compaction.errors': '1x99',
        'papyra.scan.errors': '2x99',
        'papyra.recovery.errors': '3x99',
        'papyra.segment.rotation_errors': '4x99',
      },
    ],
    at: 20,
  },
  {
    alert: 'PapyraGroupAbandoned',
    firing: [{ 'papyra.group.abandoned': '1x9' }],
    silent: [{ 'papyra.group.abandoned': '0x9' }],
    at: 7,
  },
  {
    alert: 'PapyraGroupPendingNotFalling',
    firing: [{ 'papyra.group.pending': '5x99' }],
    silent: [{ 'papyra.group.pending': '99-1x98' }, { 'papyra.group.pending': '5x40 0 5x58' }],
    at: 60,
  },
  {
    alert: 'PapyraMetricsGone',
    firing: [{ 'papyra.record.written': '5x9 stale' }],
    silent: [{ 'papyra.record.written': '5x40' }],
    at: 25,
  },
  {
    alert: 'PapyraNoMetrics',
    firing: [{}],
    silent: [{ 'papyra.record.written': '5x40' }],
    at: 15,
  },
]
