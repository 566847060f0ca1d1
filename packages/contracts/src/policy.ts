import type { RecordKind } from './records.js'

/** Limits for one kind, or for the whole log. All of them positive integers; absent means no limit. */
export interface RetentionLimits {
  /** Keep at most this many records, the newest. */
  readonly maxRecords?: number
  /** Keep records at most this old, in seconds. */
  readonly maxAgeSeconds?: number
  /** Keep at most this many bytes as stored, line ends included, the newest. */
  readonly maxTotalBytes?: number
}

/**
 * Which records a store keeps. Retention hides what is outside; compaction deletes it. The limits on
 * the top level hold for the whole log; `perKind` limits hold for one kind and come first. A
 * log-wide `maxRecords` or `maxTotalBytes` takes only from kinds without that limit of their own.
 */
export interface RetentionPolicy extends RetentionLimits {
  readonly perKind?: { readonly [K in RecordKind]?: RetentionLimits }
}

/**
 * What the startup gate does with a store before anything may write to it.
 * - `ignore`: starts whatever is found. Refused in production.
 * - `scan_only`: scans, reports, starts whatever is found.
 * - `fail_on_anomaly`: starts only if the scan is clean. The default.
 * - `recover`: recovers first, scans again, starts only if that second scan is clean.
 */
export const STARTUP_MODES = ['ignore', 'scan_only', 'fail_on_anomaly', 'recover'] as const
export type StartupMode = (typeof STARTUP_MODES)[number]

/**
 * How recovery keeps what it takes out.
 * - `repair`: the removed bytes go to a `.removed` file beside the log.
 * - `quarantine`: the whole damaged originals are copied to a folder first.
 */
export const RECOVERY_MODES = ['repair', 'quarantine'] as const
export type RecoveryMode = (typeof RECOVERY_MODES)[number]

/**
 * What a resolved append promises.
 * - `flushed`: handed to the operating system; survives a killed process.
 * - `durable`: synced to the device, the folder entry too; survives power loss.
 */
export const ACK_LEVELS = ['flushed', 'durable'] as const
export type AckLevel = (typeof ACK_LEVELS)[number]

/**
 * What a resolved append promises where a server stores the records.
 * - `acknowledged`: the server has applied it.
 * - `fsynced`: the server has synced it to its device.
 * - `replicated(n)`: so many replicas have confirmed it.
 */
export const SERVER_ACK_LEVELS = ['acknowledged', 'fsynced', 'replicated'] as const
export type ServerAckLevel = 'acknowledged' | 'fsynced' | `replicated(${number})`
