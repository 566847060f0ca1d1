import {
  isPapyraError,
  type AuditInput,
  type DeadLetterInput,
  type EventInput,
  type StoredRecord,
} from '@papyra/contracts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeRecord, decodeUnknown } from '../src/decode.js'
import { encodeAudit, encodeDeadLetter, encodeEvent, type FactSource } from '../src/encode.js'
import { formatLine, secondsText, utf8Length } from '../src/line.js'

const source: FactSource = { systemId: 'shop', now: () => 1_710_000_000_123 }

function stored(json: string, kind = 'event', timestamp = 0): StoredRecord {
  return { seq: 7, kind, timestamp, json, bytes: json.length + 1 }
}

function refused(run: () => unknown): { code: string; field: unknown } | null {
  try {
    run()
    return null
  } catch (thrown) {
    return isPapyraError(thrown) ? { code: thrown.code, field: thrown.details['field'] } : null
  }
}

const audit: AuditInput = {
  totalActors: 9,
  aliveActors: 5,
  stoppingActors: 1,
  restartingActors: 0,
  registrySize: 9,
  registryOrphans: ['a'],
  registryDead: ['b', 'c'],
  deadLettersCount: 2,
}

describe('names on disk', () => {
  test('an event', () => {
    const fact = encodeEvent(
      { actor: 'shop://o', type: 'order.placed', payload: { total: 3n } },
      source,
    )
    expect(formatLine(41, fact)).toBe(
      '{"seq":41,"kind":"event","timestamp":1710000000.123,"system_id":"shop",' +
        '"actor_address":"shop://o","event_type":"order.placed","payload":{"total":"3"}}',
    )
  })

  test('an event without actor and payload, with its own time', () => {
    const fact = encodeEvent({ type: 't', timestamp: 1500 }, source)
    expect(fact).toMatchObject({ kind: 'event', timestamp: 1500 })
    expect(fact.members).toBe(
      '"system_id":"shop","actor_address":null,"event_type":"t","payload":null',
    )
  })

  test('an audit has its nine members beside kind and time', () => {
    const { members } = encodeAudit(audit, source)
    expect(JSON.parse(`{${members}}`)).toEqual({
      system_id: 'shop',
      total_actors: 9,
      alive_actors: 5,
      stopping_actors: 1,
      restarting_actors: 0,
      registry_size: 9,
      registry_orphans: ['a'],
      registry_dead: ['b', 'c'],
      dead_letters_count: 2,
    })
  })

  test('a dead letter, with and without what is optional', () => {
    const letter = { target: 'a://x', messageType: 'ping', payload: [1] }
    const { members } = encodeDeadLetter(letter, source)
    expect(members).toBe('"system_id":"shop","target":"a://x","message_type":"ping","payload":[1]')
    const full = { ...letter, target: null, reason: 'mailbox_full', sender: null, attempts: 3 }
    expect(encodeDeadLetter(full, source).members).toBe(
      '"system_id":"shop","target":null,"message_type":"ping","payload":[1],' +
        '"reason":"mailbox_full","sender":null,"attempts":3',
    )
  })

  test('odd texts in every field stay one line of JSON', () => {
    const text = fc.string({ unit: 'binary', minLength: 1 })
    fc.assert(
      fc.property(text, text, text, fc.anything(), (type, actor, systemId, payload) => {
        const fact = encodeEvent({ type, actor, payload }, { ...source, systemId })
        const line = formatLine(1, fact)
        expect(line).not.toContain('\n')
        expect(JSON.parse(line)).toMatchObject({ system_id: systemId, event_type: type })
        expect(utf8Length(line)).toBe(Buffer.byteLength(line))
      }),
    )
  })
})

describe('what is refused', () => {
  test.each<[string, Partial<Record<keyof EventInput, unknown>>]>([
    ['type', {}],
    ['type', { type: '' }],
    ['type', { type: 1 }],
    ['actor', { type: 't', actor: {} }],
    ['timestamp', { type: 't', timestamp: Number.NaN }],
    ['timestamp', { type: 't', timestamp: '2024' }],
    ['timestamp', { type: 't', timestamp: null }],
  ])('an event with a bad %s: %o', (field, input) => {
    expect(refused(() => encodeEvent(input as EventInput, source))).toEqual({
      code: 'invalid_fact',
      field,
    })
  })

  test.each<[keyof AuditInput, unknown]>([
    ['totalActors', -1],
    ['aliveActors', 1.5],
    ['stoppingActors', undefined],
    ['registrySize', '9'],
    ['deadLettersCount', Number.POSITIVE_INFINITY],
    ['registryOrphans', 'a'],
    ['registryDead', [1]],
  ])('an audit with a bad %s: %o', (field, value) => {
    const input = { ...audit, [field]: value } as AuditInput
    expect(refused(() => encodeAudit(input, source))).toEqual({ code: 'invalid_fact', field })
  })

  test.each<[keyof DeadLetterInput, unknown]>([
    ['target', undefined],
    ['messageType', undefined],
    ['reason', 5],
    ['sender', 5],
    ['attempts', -1],
  ])('a dead letter with a bad %s: %o', (field, value) => {
    const input = { target: null, messageType: 'm', [field]: value } as DeadLetterInput
    expect(refused(() => encodeDeadLetter(input, source))).toEqual({ code: 'invalid_fact', field })
  })

  test.each([null, undefined, 'text', 5])('what is no object: %o', (input) => {
    const nothing = input as unknown as EventInput
    expect(refused(() => encodeEvent(nothing, source))?.code).toBe('invalid_fact')
  })
})

describe('reading back', () => {
  test('gives what was stored', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ minLength: 1 }), (payload, type) => {
        const line = formatLine(7, encodeEvent({ actor: 'a', type, payload }, source))
        const event = decodeRecord(stored(line, 'event', 5))
        expect(event).toEqual({
          seq: 7,
          kind: 'event',
          timestamp: 5,
          systemId: 'shop',
          actor: 'a',
          type,
          payload: JSON.parse(JSON.stringify(payload)),
        })
      }),
    )
    const letter = {
      target: 't',
      messageType: 'm',
      payload: 1,
      reason: 'r',
      sender: null,
      attempts: 2,
    }
    const line = formatLine(7, encodeDeadLetter(letter, source))
    expect(decodeRecord(stored(line, 'dead_letter'))).toMatchObject({
      kind: 'dead_letter',
      ...letter,
    })
    const auditLine = formatLine(7, encodeAudit(audit, source))
    expect(decodeRecord(stored(auditLine, 'audit'))).toMatchObject({ kind: 'audit', ...audit })
  })

  test('takes the lines of the Python program', () => {
    const json =
      '{"kind": "event", "system_id": "local", "actor_address": {"system": "local", "actor_id": 1}, ' +
      '"event_type": "ActorStarted", "payload": {}, "timestamp": 1768380322.51}'
    expect(decodeRecord(stored(json))).toMatchObject({
      actor: { system: 'local', actor_id: 1 },
      type: 'ActorStarted',
      payload: {},
    })
    const letter =
      '{"target": {"system": "local", "actor_id": 2}, "message_type": "M", "payload": null}'
    expect(decodeRecord(stored(letter, 'dead_letter'))).toEqual({
      seq: 7,
      kind: 'dead_letter',
      timestamp: 0,
      systemId: '',
      target: { system: 'local', actor_id: 2 },
      messageType: 'M',
      payload: null,
    })
  })

  test('a field that is missing or of another type is told from a sound one', () => {
    expect(decodeRecord(stored('{"toString":1}'))).toMatchObject({
      type: '',
      actor: null,
      payload: null,
    })
    expect(decodeRecord(stored('{}', 'audit'))).toMatchObject({
      totalActors: Number.NaN,
      registryDead: [],
    })
  })

  test('__proto__ stays data', () => {
    const payload: unknown = JSON.parse('{"__proto__":{"admin":true}}')
    const line = formatLine(7, encodeEvent({ type: 't', payload }, source))
    const event = decodeRecord(stored(line))
    expect(event?.kind === 'event' && Object.hasOwn(event.payload as object, '__proto__')).toBe(
      true,
    )
    expect(JSON.stringify(event)).toContain('"payload":{"__proto__":{"admin":true}}')
    expect(decodeRecord(stored('{"__proto__":{"event_type":"x"}}'))).toMatchObject({ type: '' })
  })

  test('a kind that is not known has no type, but can be shown', () => {
    const record = stored('{"kind":"metric","system_id":"s","value":1}', 'metric')
    expect(decodeRecord(record)).toBeNull()
    expect(decodeUnknown(record)).toMatchObject({
      kind: 'metric',
      systemId: 's',
      members: { value: 1 },
    })
  })

  test.each(['{"cut', '[1]', '5', ''])('what is no object is damage: %s', (json) => {
    expect(() => decodeRecord(stored(json))).toThrow(
      expect.objectContaining({ code: 'anomalies_found' }),
    )
  })
})

describe('seconds on disk', () => {
  test.each([
    [0, '0'],
    [-0, '0'],
    [1, '0.001'],
    [12, '0.012'],
    [1000, '1'],
    [1_710_000_000_123, '1710000000.123'],
    [1_710_000_000_120, '1710000000.12'],
    [-1500, '-1.5'],
    [0.5, '0.0005'],
    [1.25e-7, '1.25e-10'],
    [1e21, '1e18'],
  ])('%d ms is %s s', (ms, text) => {
    expect(secondsText(ms)).toBe(text)
  })

  test('nothing is lost: the decimal point moved back gives the same number', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.maxSafeInteger()),
        (ms) => {
          const [digits = '', exponent = '0'] = secondsText(ms).split('e')
          expect(Number(`${digits}e${Number(exponent) + 3}`)).toBe(ms === 0 ? 0 : ms)
          JSON.parse(secondsText(ms))
        },
      ),
    )
  })
})
