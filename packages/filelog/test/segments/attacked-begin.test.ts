import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { memVfs } from '../../src/testing/index.js'
import { filled, manifestOf, open } from './support.js'
import { segmentPath } from '../../src/segments/names.js'

describe('going on over damage', () => {
  it('never cuts a sealed segment that stands in the place of the active one', async () => {
    const vfs = memVfs()
    await filled(vfs, 8)
    const { segments, active } = manifestOf(vfs)
    const [sealed] = segments
    if (sealed === undefined) throw new Error('nothing was sealed')
    const [a, b] = [sealed, active].map((id) => segmentPath('/data/shop', id)) as [string, string]
    const [first, last] = [vfs.bytes(a), vfs.bytes(b)]
    vfs.put(a, Buffer.concat([last, Buffer.from('{"seq":99,"ki')]))
    vfs.put(b, first)
    const store = await open(vfs)
    await expect(store.begin({ onDamage: 'set_tail_aside' })).rejects.toMatchObject({
      code: 'anomalies_found',
    })
    await store.close()
    expect(vfs.bytes(b).equals(first)).toBe(true)
  })
})
