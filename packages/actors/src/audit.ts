import type { AuditInput, Clock } from '@papyra/contracts'
import type { ActorCell } from './actor-cell.js'
import type { Registry } from './registry.js'

/** A snapshot of the system, as it is stored. */
export type AuditReport = Required<AuditInput>

/** Counts who is there, and looks for names that lead to nobody. */
export function takeAudit(
  registry: Registry<ActorCell>,
  deadLettersCount: number,
  clock: Clock,
): AuditReport {
  const count = { total: 0, alive: 0, stopping: 0, restarting: 0 }
  for (const { state } of registry.all()) {
    count.total += 1
    if (state === 'running' || state === 'starting') count.alive += 1
    else if (state === 'stopping') count.stopping += 1
    else if (state === 'restarting') count.restarting += 1
  }
  const named = [...registry.names]
  return {
    totalActors: count.total,
    aliveActors: count.alive,
    stoppingActors: count.stopping,
    restartingActors: count.restarting,
    registrySize: named.length,
    registryOrphans: named
      .filter(([, cell]) => registry.find(cell.id) !== cell)
      .map(([name]) => name),
    registryDead: named.filter(([, cell]) => cell.state === 'stopped').map(([name]) => name),
    deadLettersCount,
    timestamp: clock.now(),
  }
}
