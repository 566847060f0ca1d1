import type { Backend, MetricsSnapshot } from '@papyra/contracts'
import { papyra } from '../check.js'
import { gateCheck, reading, type GateCheck } from './work.js'

/** Holds what the store, or its living owner, says of itself against a recount of every record. */
export const metricsCheck: GateCheck = gateCheck(
  'gate.metrics',
  'Numbers that are wrong explain nothing.',
  async ({ definition }) =>
    reading(definition, async (backend) => {
      const before = await numbersOf(backend)
      const counted = await recount(backend)
      const after = await numbersOf(backend)
      const between = (count: number, key: 'recordsStored' | 'bytesStored'): boolean =>
        count >= before.totals[key] && count <= after.totals[key]
      const said = `${before.totals.recordsStored} records told, ${counted.records} counted`
      // What the format's own lines take is among the bytes that the store tells.
      const right =
        between(counted.records, 'recordsStored') && counted.bytes <= after.totals.bytesStored
      if (right) return { state: 'pass', evidence: `${said}; ${after.totals.bytesStored} bytes.` }
      const mend = papyra('persistence', 'scan')
      return { state: 'fail', evidence: `${said}; ${counted.bytes} bytes.`, mend }
    }),
)

async function numbersOf(backend: Backend): Promise<MetricsSnapshot> {
  const owner = (await backend.owner?.().catch(() => null)) ?? null
  return owner === null ? (await backend.describe()).metrics : owner.metrics()
}

async function recount(
  backend: Backend,
): Promise<{ readonly records: number; readonly bytes: number }> {
  let records = 0
  let bytes = 0
  for await (const record of backend.read({ onDamage: () => undefined })) {
    records += 1
    bytes += record.bytes
  }
  return { records, bytes }
}
