import { PapyraError, type GroupAct, type GroupsPort } from '@papyra/contracts'
import { readCount } from '../../args/values.js'
import { askConsent } from '../../consent.js'
import type { Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { showGroupAct, showGroupPlan } from '../../output/groups-view.js'
import { resolveStore, withBackend, type Store } from '../../store.js'
import { groupsOf } from '../inspect/groups.js'

const DEFAULT_IDLE_MS = 60_000

/** `papyra groups claim | remove | reset`: plan, ask, do. */
export async function run(context: Context): Promise<number> {
  const { args } = context
  const planId = args.text('plan')
  const act = planId === undefined ? readAct(context) : null
  const store = await resolveStore(context)
  const access = args.flag('dry-run') ? 'read' : 'write'
  return withBackend(context, store, access, async (backend) => {
    const port = groupsOf(backend)
    if (act !== null) return planAndApply(context, store, port, act)
    if (args.flag('dry-run')) {
      throw new PapyraError('invalid_argument', '--plan carries a plan out; it has no dry run.')
    }
    return apply(context, port, planId ?? '')
  })
}

async function planAndApply(
  context: Context,
  store: Store,
  port: GroupsPort,
  act: GroupAct,
): Promise<number> {
  const { args, out, spec } = context
  const plan = await port.plan(act)
  await showGroupPlan(out, plan)
  if (args.flag('dry-run')) {
    await out.line(`apply it: ${store.again([...spec.words, '--plan', plan.id])}`)
    await out.document('papyra.group-plan/1', EXIT.ok, plan)
    return EXIT.ok
  }
  await askConsent(context, `Do this in the group ${act.group} of ${store.definition.location}?`)
  return apply(context, port, plan.id)
}

async function apply({ out }: Context, port: GroupsPort, planId: string): Promise<number> {
  const report = await port.apply(planId)
  await showGroupAct(out, report)
  await out.document('papyra.group-act/1', EXIT.ok, report)
  return EXIT.ok
}

function readAct({ args, spec }: Context): GroupAct {
  const required = (name: string): string => {
    const value = args.text(name)
    if (value !== undefined) return value
    throw new PapyraError('invalid_argument', `--${name} is missing.`, {
      hint: `See papyra ${spec.words.join(' ')} --help.`,
    })
  }
  const ref = { kind: args.text('kind') ?? 'event', group: required('group') }
  if (spec.words[1] === 'claim') {
    const from = args.text('from')
    const minIdleMs = args.durationMs('min-idle') ?? DEFAULT_IDLE_MS
    const claim = { ...ref, what: 'claim', to: required('to'), minIdleMs } as const
    return from === undefined ? claim : { ...claim, from }
  }
  if (spec.words[1] === 'reset') {
    const after = required('after')
    return { ...ref, what: 'reset', after: after === '0' ? 0 : readCount('--after', after) }
  }
  const consumer = args.text('consumer')
  return consumer === undefined
    ? { ...ref, what: 'remove_group' }
    : { ...ref, what: 'remove_consumer', consumer, to: required('to') }
}
