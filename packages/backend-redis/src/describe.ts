import type { StoreDescription } from '@papyra/contracts'
import { metricsOf, stored } from './meta.js'
import { NAME } from './scan.js'
import type { Store } from './store.js'

/** What the store says of itself, without being read through. */
export async function describe(store: Store): Promise<StoreDescription> {
  const meta = await store.meta()
  return {
    ...{ backend: NAME, location: store.location, exists: true, format: 'checksummed' },
    ...{ logId: meta.logId, generation: meta.generation, createdAt: meta.createdAt },
    // There may be any number of writers, and they come and go.
    clean: null,
    bytes: stored(meta).bytes,
    lastSeq: meta.seq === 0 ? null : meta.seq,
    ...{ retention: meta.retention, compactedThrough: meta.compactedThrough },
    ...{ history: meta.history, losses: meta.losses, metrics: metricsOf(meta) },
    ...{ owner: null, verifiedAt: meta.verifiedAt, segments: null },
  }
}
