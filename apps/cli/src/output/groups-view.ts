import type { GroupActReport, GroupDescription, GroupPlan } from '@papyra/contracts'
import { ageText, countText, plural, timeText } from './format.js'
import type { Output } from './output.js'
import { tableLines } from './table.js'

/** One line a group: what waits and what is pending, now and at the samples before. */
export function groupLine({ kind, group, pending, lag, samples, ...is }: GroupDescription): string {
  const before = samples.slice(-4, -1).map((sample) => countText(sample.pending))
  const trend = before.length === 0 ? '' : `, before ${before.join(', ')}`
  const waits = lag.records === null ? 'unknown' : countText(lag.records)
  const state = is.vanished ? ', VANISHED' : is.abandoned ? ', ABANDONED' : ''
  return `group ${group} (${kind}): pending ${countText(pending)}${trend}; waiting ${waits}${state}`
}

export async function showGroups(
  out: Output,
  groups: readonly GroupDescription[],
  now: number,
): Promise<void> {
  if (groups.length === 0) await out.line('no consumer groups')
  for (const group of groups) await showGroup(out, group, now)
}

async function showGroup(out: Output, group: GroupDescription, now: number): Promise<void> {
  const { lag, oldestPending: oldest, lastClaim: claim, samples } = group
  const bad = group.abandoned || group.vanished
  await out.line([bad ? 'yellow' : 'bold', groupLine(group)])
  const waits =
    lag.records === null ? 'unknown' : `${lag.atLeast ? 'at least ' : ''}${countText(lag.records)}`
  await out.line(
    `  waiting        ${waits}${lag.seconds === null ? '' : `, the oldest for ${ageText(lag.seconds * 1000)}`}`,
  )
  if (oldest !== null) {
    await out.line(
      `  oldest pending record ${oldest.seq}, idle ${ageText(oldest.idleMs)}, ${plural(oldest.deliveries, 'delivery')}, ${oldest.consumer}`,
    )
  }
  await out.line(`  most deliveries ${group.mostDeliveries}; poison ${countText(group.poison)}`)
  if (claim !== null) {
    await out.line(
      `  last claim     ${timeText(claim.at)} (${ageText(now - claim.at)} ago) by ${claim.consumer}: ${claim.claimed} claimed, ${claim.deleted} deleted, ${claim.poison} poison`,
    )
  }
  if (samples.length > 0) {
    const said = samples.map(({ at, pending }) => `${timeText(at)} ${countText(pending)}`)
    await out.line(`  pending at     ${said.slice(-6).join('; ')}`)
  }
  if (group.consumers.length === 0) return
  const rows = group.consumers.map(({ name, pending, idleMs, state }) => [
    ...['', name, state],
    ...[countText(pending), ageText(idleMs)],
  ])
  await out.lines(tableLines(['', 'CONSUMER', 'STATE', 'PENDING', 'IDLE'], rows))
}

export async function showGroupPlan(out: Output, plan: GroupPlan): Promise<void> {
  const { act, pendingTotal, redelivered, skipped, consumers } = plan
  await out.line(`plan: ${act.what.replace('_', ' ')} in group ${act.group} (${act.kind})`)
  if (act.what === 'claim' || act.what === 'remove_consumer') {
    await out.line(`  ${plural(pendingTotal, 'pending record')} to ${act.to}`)
  } else if (act.what === 'remove_group') {
    await out.line(`  ${plural(pendingTotal, 'pending record')} forgotten`)
    await out.line(`  ${plural(skipped, 'record')} never delivered to it`)
  } else {
    await out.line(`  ${plural(redelivered, 'record')} delivered again`)
    await out.line(`  ${plural(skipped, 'record')} passed over`)
  }
  if (consumers.length > 0) await out.line(`  consumers that go: ${consumers.join(', ')}`)
  const some = plan.pending.slice(0, 20).map(({ seq }) => seq)
  if (some.length > 0) {
    await out.line(`  records ${some.join(', ')}${pendingTotal > some.length ? ', …' : ''}`)
  }
}

export async function showGroupAct(out: Output, report: GroupActReport): Promise<void> {
  const { changed, claimed, deleted, forgotten, consumers } = report
  if (!changed) {
    await out.line('nothing had to be changed')
    return
  }
  const parts = [
    ...(claimed > 0 ? [`${plural(claimed, 'record')} changed hands`] : []),
    ...(deleted.length > 0 ? [`${plural(deleted.length, 'record')} gone from the store`] : []),
    ...(forgotten > 0 ? [`${plural(forgotten, 'pending record')} forgotten`] : []),
    ...(consumers.length > 0 ? [`${plural(consumers.length, 'consumer')} removed`] : []),
  ]
  await out.line(['green', 'done'], parts.length === 0 ? '' : `: ${parts.join(', ')}`)
}
