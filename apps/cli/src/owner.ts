import {
  isPapyraError,
  type Backend,
  type MetricsSnapshot,
  type OwnerClient,
} from '@papyra/contracts'
import type { Context } from './context.js'

/** Another process that holds the store and answers. */
export interface LivingOwner {
  readonly client: OwnerClient
  /** `process 41 on db1` */
  readonly name: string
}

/**
 * The process that holds the store; `null` if nobody does, or the backend knows no owners that can be
 * asked. Rejects with `store_locked` if one holds it and does not answer within 2 s.
 */
export async function findOwner(backend: Backend): Promise<LivingOwner | null> {
  const client = (await backend.owner?.()) ?? null
  if (client === null) return null
  const { pid, host } = await client.who()
  const where = host === null ? '' : ` on ${host}`
  return { client, name: `${pid === null ? 'another process' : `process ${pid}`}${where}` }
}

/** Where the numbers of a store come from: its living owner, or what stands on the disk. */
export type MetricsSource = 'owner' | 'store'

/**
 * The numbers of the living owner, or those that the store itself gives where nobody holds it. Says
 * on standard error whose they are, if they are an owner's, or if the owner does not answer.
 */
export async function currentMetrics(
  { out }: Context,
  backend: Backend,
  stored: MetricsSnapshot,
): Promise<{ readonly metrics: MetricsSnapshot; readonly source: MetricsSource }> {
  try {
    const owner = await findOwner(backend)
    if (owner !== null) {
      const metrics = await owner.client.metrics()
      await out.note(`${owner.name} holds the store and tells its numbers`)
      return { metrics, source: 'owner' }
    }
  } catch (error) {
    if (!isPapyraError(error, 'store_locked') && !isPapyraError(error, 'backend_unreachable')) {
      throw error
    }
    await out.warn(`${error.message} These are the numbers as they stand on the disk.`)
  }
  return { metrics: stored, source: 'store' }
}
