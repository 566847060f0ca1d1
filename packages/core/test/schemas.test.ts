import {
  memoryBackend,
  openPapyra,
  type Papyra,
  type PapyraSchemas,
  type SchemaMismatch,
  type SchemaResult,
  type StandardSchema,
} from '@papyra/core'
import { describe, expect, test } from 'vitest'
import { code, collect } from './fixtures/collect.js'

function schema(
  validate: (value: unknown) => SchemaResult | Promise<SchemaResult>,
): StandardSchema {
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

const order = schema((value) => {
  const { total } = value as { total?: unknown }
  if (typeof total === 'number') return { value }
  return { issues: [{ message: 'a number is needed', path: ['total', { key: 0 }] }] }
})

function open(schemas: PapyraSchemas, mismatches: SchemaMismatch[] = []): Promise<Papyra> {
  const hooks = { onSchemaMismatch: (mismatch: SchemaMismatch) => mismatches.push(mismatch) }
  return openPapyra({ systemId: 's', backend: memoryBackend(), schemas, hooks })
}

describe('on writing', () => {
  test('a payload that is not accepted is refused, with the issues; others are not asked about', async () => {
    const papyra = await open({ event: { order }, dead_letter: { order } })
    await expect(
      papyra.recordEvent({ type: 'order', payload: { total: '3' } }),
    ).rejects.toMatchObject({
      code: 'schema_refused',
      details: { kind: 'event', type: 'order', issues: ['total.0: a number is needed'] },
    })
    const letter = papyra.recordDeadLetter({ target: null, messageType: 'order', payload: {} })
    await expect(letter).rejects.toEqual(code('schema_refused'))
    expect(await papyra.recordEvent({ type: 'order', payload: { total: 3 } })).toEqual({ seq: 1 })
    expect(await papyra.recordEvent({ type: 'constructor', payload: {} })).toEqual({ seq: 2 })
    await papyra.close()
  })

  test('the validator sees the payload as it will be read back, and what it returns is not stored', async () => {
    const seen: unknown[] = []
    const spy = schema((value) => {
      seen.push(value)
      return { value: 'transformed' }
    })
    const papyra = await open({ event: { spy } })
    await papyra.recordEvent({ type: 'spy', payload: { at: new Date(0), n: 1n, gone: undefined } })
    expect(seen).toEqual([{ at: '1970-01-01T00:00:00.000Z', n: '1' }])
    expect((await collect(papyra.listEvents()))[0]?.payload).toEqual(seen[0])
    await papyra.close()
  })

  test('a validator that throws or rejects refuses', async () => {
    const papyra = await open({
      event: {
        throws: schema(() => {
          throw new Error('broken')
        }),
        rejects: schema(() => Promise.reject(new Error('broken'))),
      },
    })
    for (const type of ['throws', 'rejects']) {
      await expect(papyra.recordEvent({ type, payload: 1 })).rejects.toEqual(code('schema_refused'))
    }
    await papyra.close()
  })

  test('asynchronous validators are awaited, the payload being taken at the call; closing waits', async () => {
    const late = schema(async (value) => {
      await Promise.resolve()
      return value === 'bad' ? { issues: [{ message: 'bad' }] } : { value }
    })
    const papyra = await open({ event: { late } })
    const payload = { state: 'before' }
    const recorded = papyra.recordEvent({ type: 'late', payload })
    payload.state = 'after'
    const refused = papyra.recordEvent({ type: 'late', payload: 'bad' })
    const outcome = expect(refused).rejects.toEqual(code('schema_refused'))
    await papyra.close()
    expect(await recorded).toEqual({ seq: 1 })
    await outcome
  })

  test('the intake drops what a schema refuses, at once or later, and keeps the order', async () => {
    const late = schema((value) =>
      Promise.resolve(value === 'bad' ? { issues: [{ message: 'bad' }] } : { value }),
    )
    const papyra = await open({ event: { order, late } })
    expect(papyra.intake.event({ type: 'order', payload: {} })).toBe(false)
    for (const payload of [1, 'bad', 2])
      expect(papyra.intake.event({ type: 'late', payload })).toBe(true)
    expect(papyra.intake.event({ type: 'other', payload: 3 })).toBe(true)
    await papyra.flush()
    expect((await collect(papyra.listEvents())).map(({ payload }) => payload)).toEqual([1, 2, 3])
    expect(papyra.intake.stats()).toMatchObject({
      accepted: 4,
      written: 3,
      dropped: { invalid: 2 },
    })
    await papyra.close()
  })
})

describe('on reading', () => {
  test('what is not accepted is shown, and reported', async () => {
    const backend = memoryBackend()
    const before = await openPapyra({ systemId: 's', backend })
    await before.recordEvent({ type: 'order', payload: { total: 'three' } })
    await before.recordEvent({ type: 'order', payload: { total: 3 } })
    await before.recordDeadLetter({ target: null, messageType: 'order', payload: {} })
    await before.close()
    const mismatches: SchemaMismatch[] = []
    const papyra = await openPapyra({
      systemId: 's',
      backend,
      schemas: { event: { order } },
      hooks: { onSchemaMismatch: (mismatch) => mismatches.push(mismatch) },
    })
    expect((await collect(papyra.list())).map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(mismatches).toEqual([
      { seq: 1, kind: 'event', type: 'order', issues: ['total.0: a number is needed'] },
    ])
    await papyra.close()
  })

  test('a hook that throws does not end the list', async () => {
    const backend = memoryBackend()
    const before = await openPapyra({ systemId: 's', backend })
    await before.recordEvent({ type: 'order' })
    await before.close()
    const onSchemaMismatch = (): never => {
      throw new Error('hook')
    }
    const broken = schema(() => ({ issues: [{ message: 'no' }] }))
    const papyra = await openPapyra({
      systemId: 's',
      backend,
      schemas: { event: { order: broken } },
      hooks: { onSchemaMismatch },
    })
    expect(await collect(papyra.listEvents())).toHaveLength(1)
    await papyra.close()
  })
})
