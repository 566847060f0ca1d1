import assert from 'node:assert/strict'
import type { Check } from '../check.js'
import { expectCode, isPlainJson } from '../expect.js'

/** The optional ports of a backend. Where one is absent there is nothing to hold it to. */
export const portChecks: readonly Check[] = [
  {
    id: 'lifecycle.owner-answers',
    group: 'lifecycle',
    promise: 'the owner port, where there is one, speaks for the store that it is asked about',
    async run(world) {
      const { backend } = await world.filled(3)
      const reader = await world.openReader()
      const client = await reader.owner?.()
      if (client === undefined || client === null) return
      const who = await client.who()
      isPlainJson(who, 'what the owner says of itself')
      await client.flush()
      const { totals } = await client.metrics()
      assert.deepEqual(totals, (await backend.describe()).metrics.totals)
      const report = await client.scan()
      isPlainJson(report, 'the report of the owner’s scan')
      assert.equal(report.clean, true)
    },
  },
  {
    id: 'lifecycle.owner-nobody',
    group: 'lifecycle',
    promise: 'where nobody holds the store there is no owner to ask, before it was held and after',
    needs: ['persistent'],
    async run(world) {
      const writer = await world.begun()
      if (writer.owner === undefined) return
      await writer.close()
      const reader = await world.openReader()
      assert.equal(await reader.owner?.(), null)
      await (await world.begun()).close()
      assert.equal(await reader.owner?.(), null)
    },
  },
  {
    id: 'lifecycle.owner-itself',
    group: 'lifecycle',
    promise: 'who holds the store is not told to ask itself, begun or not',
    async run(world) {
      const writer = await world.openWriter()
      if (writer.owner === undefined) return
      assert.equal(await writer.owner(), null, 'before begin')
      await writer.begin()
      assert.equal(await writer.owner(), null, 'after begin')
    },
  },
  {
    id: 'lifecycle.owner-closed',
    group: 'lifecycle',
    promise: 'the owner port of a closed store rejects with closed',
    async run(world) {
      const writer = await world.begun()
      if (writer.owner === undefined) return
      await writer.close()
      await expectCode('owner after close', 'closed', async () => writer.owner?.())
    },
  },
  {
    id: 'harness.findings-well-formed',
    group: 'harness',
    promise: 'findings of diagnose, where there is one, have an id, a known state and evidence',
    async run(world) {
      const backend = await world.begun()
      const ids: string[] = []
      for await (const finding of backend.diagnose?.() ?? []) {
        isPlainJson(finding, 'a finding')
        assert.match(finding.id, /^[a-z0-9_]+(\.[a-z0-9_]+)+$/, 'an id such as redis.eviction')
        assert.ok(['pass', 'warn', 'fail', 'unknown'].includes(finding.state), finding.state)
        assert.ok(finding.evidence.length > 0, `${finding.id}: evidence`)
        ids.push(finding.id)
      }
      assert.deepEqual(ids, [...new Set(ids)], 'each id once')
    },
  },
]
