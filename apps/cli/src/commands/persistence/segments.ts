import { PapyraError } from '@papyra/contracts'
import type { Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { findExpired, type Expired } from '../../expired.js'
import { segmentLines, segmentsText } from '../../output/segments-view.js'
import { policyText } from '../../policy.js'
import { resolveStore, withBackend } from '../../store.js'

/** `papyra persistence segments`: each segment, and what retention hides of it. */
export async function run(context: Context): Promise<number> {
  const { io, out } = context
  const store = await resolveStore(context)
  return withBackend(context, store, 'read', async (backend) => {
    const description = await backend.describe()
    const { segments, location } = description
    if (segments === null) {
      throw new PapyraError('unsupported', `The backend ${backend.name} has no segments.`, {
        hint: '`papyra persistence inspect` describes the store.',
      })
    }
    const now = io.clock.now()
    const expired = await findExpired(context, store, backend, description)
    await out.line(['bold', location], `  ${segmentsText(segments, now)}`)
    await out.lines(segmentLines(segments, expired, now))
    await tellPolicy(context, expired)
    const { policy, from, refusal, files } = expired
    const plans = new Map(files.map((file) => [file.path, file]))
    await out.document('papyra.segments/1', EXIT.ok, {
      backend: backend.name,
      location,
      policy,
      from,
      refusal,
      segments: segments.map((segment) => {
        const { action = null, dropped = [] } = plans.get(segment.path) ?? {}
        return { ...segment, hidden: expired.records === null ? null : { action, dropped } }
      }),
    })
    return EXIT.ok
  })
}

async function tellPolicy({ out }: Context, { policy, from, refusal }: Expired): Promise<void> {
  if (out.json) return
  if (policy === null) await out.note('no retention policy is set, so nothing is hidden')
  else await out.note(`hidden by: ${policyText(policy)}  (from ${from})`)
  if (refusal !== null)
    await out.warn(`a compaction would be refused: ${refusal.code}: ${refusal.message}`)
}
