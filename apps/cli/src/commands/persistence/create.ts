import { isPapyraError, PapyraError } from '@papyra/contracts'
import type { Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import { resolveStore } from '../../store.js'

/** `papyra persistence create`: a new, empty store. */
export async function run(context: Context): Promise<number> {
  const { args, out } = context
  const ifAbsent = args.flag('if-absent')
  const { definition } = await resolveStore(context)
  if (definition.create === undefined) {
    throw new PapyraError('unsupported', `The backend ${definition.name} has nothing to create.`)
  }
  const { location } = definition
  let logId: string | null = null
  try {
    logId = (await definition.create()).logId
  } catch (error) {
    if (!ifAbsent || !isPapyraError(error, 'store_exists')) throw error
  }
  const created = logId !== null
  await out.line(
    created ? ['green', 'created'] : 'there already',
    `  ${location}`,
    created ? `  log ${logId}` : '',
  )
  await out.document('papyra.create/1', EXIT.ok, { location, created, logId })
  return EXIT.ok
}
