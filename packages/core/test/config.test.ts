import { isPapyraError } from '@papyra/contracts'
import {
  configToOpenOptions,
  defineConfig,
  memoryBackend,
  openPapyra,
  parseConfig,
} from '@papyra/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** The code and message with which a configuration is refused. */
function refusal(value: unknown): string {
  try {
    parseConfig(value, 'papyra.config.json', { backendOptions: { json: ['path', 'ack'] } })
    return 'accepted'
  } catch (thrown) {
    return isPapyraError(thrown)
      ? `${thrown.code} | ${thrown.message} | ${thrown.hint}`
      : String(thrown)
  }
}

const full = {
  systemId: 'shop',
  environment: 'production',
  backend: { use: 'json', options: { path: './shop.ndjson' } },
  startup: {
    mode: 'recover',
    recovery: { mode: 'quarantine', quarantineDir: '/q' },
    acceptLoss: true,
    force: false,
    depth: 'since-clean',
    maxVerifiedAgeMs: 3_600_000,
    timeBudgetMs: 60_000,
  },
  retention: { maxRecords: 5, perKind: { dead_letter: { maxAgeSeconds: 60 } } },
  create: 'if-missing',
  expectLogId: 'abc',
  waitLockMs: 0,
  upgrade: false,
  quarantineDir: '/var/q',
  intake: { capacity: 10, capacityBytes: 1000, batch: 5 },
  compaction: {
    every: '24h',
    window: { from: '02:00', to: '05:00', timeZone: 'Europe/Berlin' },
    jitter: 0.1,
    throttle: { bytesPerSecond: 10_000_000 },
  },
  scrub: { every: '7d' },
}

describe('spelling', () => {
  test('camelCase comes back as it was', () => {
    expect(parseConfig(full, 'f')).toEqual(full)
    expect(parseConfig({}, 'f')).toEqual({})
  })

  test('snake_case and any spelling of enums mean the same', () => {
    const snake = {
      system_id: 'shop',
      environment: 'production',
      backend: { use: 'JSON', path: './shop.ndjson' },
      startup: {
        mode: 'RECOVER',
        recovery: { mode: 'Quarantine', quarantine_dir: '/q' },
        accept_loss: true,
        force: false,
        depth: 'SINCE_CLEAN',
        max_verified_age_ms: 3_600_000,
        time_budget_ms: 60_000,
      },
      retention: { max_records: 5, per_kind: { dead_letter: { max_age_seconds: 60 } } },
      create: 'IF_MISSING',
      expect_log_id: 'abc',
      wait_lock_ms: 0,
      upgrade: false,
      quarantine_dir: '/var/q',
      intake: { capacity: 10, capacity_bytes: 1000, batch: 5 },
      compaction: {
        every: '24h',
        window: { from: '02:00', to: '05:00', time_zone: 'Europe/Berlin' },
        jitter: 0.1,
        throttle: { bytes_per_second: 10_000_000 },
      },
      scrub: { every: '7d' },
    }
    expect(parseConfig(snake, 'f')).toEqual(full)
    const options = { max_record_bytes: 5, log_id: 'x' }
    expect(parseConfig({ backend: { use: 'memory', options } }, 'f').backend).toEqual({
      use: 'memory',
      options: { maxRecordBytes: 5, logId: 'x' },
    })
  })

  test.each(['FAIL_ON_ANOMALY', 'fail-on-anomaly', 'failOnAnomaly', 'Fail_On_Anomaly'])(
    '%s',
    (mode) => {
      expect(parseConfig({ startup: { mode } }, 'f').startup?.mode).toBe('fail_on_anomaly')
    },
  )

  test('kinds of dead letters in camelCase too', () => {
    const retention = { perKind: { deadLetter: { maxRecords: 1 }, event: { max_records: 2 } } }
    expect(parseConfig({ retention }, 'f').retention).toEqual({
      perKind: { dead_letter: { maxRecords: 1 }, event: { maxRecords: 2 } },
    })
  })

  test('members of an option that is an object are read like the options themselves', () => {
    const backendOptions = { rotation: ['dir', 'segment.maxBytes', 'segment.maxRecords'] }
    const parse = (backend: object) =>
      parseConfig({ backend }, 'papyra.config.json', { backendOptions }).backend
    const segment = { max_bytes: 5, maxRecords: 7 }
    expect(parse({ use: 'rotation', dir: 'd', options: { segment } })).toEqual({
      use: 'rotation',
      options: { dir: 'd', segment: { maxBytes: 5, maxRecords: 7 } },
    })
    const refused = (value: unknown) => () => parse({ use: 'rotation', segment: value })
    expect(refused({ maxByte: 5 })).toThrow(/backend\.segment\.maxByte.*maxBytes/)
    expect(refused({ maxBytes: 5, max_bytes: 5 })).toThrow(/given twice/)
    expect(refused(5)).toThrow(/backend\.segment/)
    expect(() => parse({ use: 'rotation', 'segment.maxBytes': 5 })).toThrow(/unknown key/)
  })

  test('options of another backend pass untouched, definitions and functions too', () => {
    const options = { some_key: 1, Other: { deep_er: 2 } }
    const backend = { use: '@acme/papyra-backend', options }
    expect(parseConfig({ backend }, 'f').backend).toEqual(backend)
    const definition = memoryBackend()
    const hooks = { onDrop: () => undefined }
    const parsed = parseConfig({ backend: definition, hooks }, 'f')
    expect(parsed.backend).toBe(definition)
    expect(parsed.hooks).toBe(hooks)
  })
})

describe('refused, with the place', () => {
  test.each<[unknown, string]>([
    [
      { retention: { maxRecord: 1 } },
      'invalid_config | papyra.config.json: retention.maxRecord: unknown key; did you mean maxRecords?',
    ],
    [{ retension: {} }, 'retension: unknown key; did you mean retention?'],
    [{ zzz: 1 }, 'zzz: unknown key; known are systemId, environment,'],
    [
      { startup: { mode: 'ignored' } },
      '"ignored" is not one of ignore, scan_only, fail_on_anomaly, recover; did you mean ignore?',
    ],
    [{ startup: { mode: 5 } }, 'startup.mode: 5 is not one of'],
    [{ startup: { depth: 'quick' } }, 'startup.depth: "quick" is not one of full, since-clean'],
    [{ compaction: { everyMs: 1 } }, 'compaction.everyMs: unknown key; did you mean every?'],
    [{ compaction: {} }, 'compaction.every: missing: how often, such as 24h'],
    [{ scrub: { every: '5' } }, 'scrub: `every` must be a duration with its unit, such as 30m'],
    [{ scrub: { every: '5d', jitter: 2 } }, 'scrub: `jitter` must be a number from 0 to 1'],
    [{ scrub: { every: '5d', jitter: '1h' } }, 'scrub.jitter: a number is needed'],
    [
      { compaction: { every: '1d', throttle: { bytesPerSecond: 0 } } },
      'compaction: `throttle.bytesPerSecond` must be a positive number',
    ],
    [
      { compaction: { every: '1d', window: { from: '2', to: '05:00' } } },
      'compaction: `window.from` must be a time of day such as 02:00',
    ],
    [
      { startup: { recovery: { modus: 'repair' } } },
      'startup.recovery.modus: unknown key; did you mean mode?',
    ],
    [
      { startup: { timeBudgetMs: '60s' } },
      'startup.timeBudgetMs: a positive whole number is needed, not "60s"',
    ],
    [{ startup: 'recover' }, 'startup: an object is needed, not "recover"'],
    [{ systemId: '' }, 'systemId: a text that is not empty is needed, not ""'],
    [{ upgrade: 'yes' }, 'upgrade: true or false is needed, not "yes"'],
    [{ waitLockMs: -1 }, 'waitLockMs: a number of milliseconds is needed, not -1'],
    [{ wait_lock_ms: Number.NaN }, 'wait_lock_ms: a number of milliseconds is needed, not NaN'],
    [{ backend: 'json' }, 'backend: an object is needed, not "json"'],
    [{ backend: {} }, 'backend.use: a text that is not empty is needed, not undefined'],
    [{ backend: { use: 'json', pth: 'x' } }, 'backend.pth: unknown key; did you mean path?'],
    [
      { backend: { use: 'json', options: { pth: 'x' } } },
      'backend.options.pth: unknown key; did you mean path?',
    ],
    [
      { backend: { use: 'json', path: 'a', options: { path: 'b' } } },
      'backend.options.path: `path` is given twice',
    ],
    [{ systemId: 'a', system_id: 'b' }, 'system_id: `systemId` is given twice'],
    [{ retention: { maxRecords: 0 } }, 'invalid_policy | papyra.config.json: retention.maxRecords'],
    [
      { retention: { perKind: { evnt: {} } } },
      'retention.perKind.evnt: unknown key; did you mean event?',
    ],
    [{ retention: { perKind: { event: { maxRecords: '5' } } } }, 'invalid_policy'],
    [{ hooks: 5 }, 'hooks: an object of functions is needed'],
    [{ intake: { capacity: 0.5 } }, 'intake.capacity: a positive whole number is needed, not 0.5'],
    [[], 'configuration: an object is needed'],
    [null, 'configuration: an object is needed'],
    ['x', 'configuration: an object is needed'],
    [{ systemId: ['a'] }, 'systemId: a text that is not empty is needed, not an array'],
    [{ systemId: {} }, 'not a value of type object'],
  ])('%j', (value, expected) => {
    expect(refusal(value)).toContain(expected)
  })

  test('keys of prototypes are no keys, wherever they stand', () => {
    for (const json of [
      '{"__proto__":{"systemId":"x"}}',
      '{"constructor":1}',
      '{"toString":1}',
      '{"startup":{"__proto__":{"mode":"ignore"}}}',
      '{"retention":{"__proto__":{"maxRecords":1}}}',
      '{"retention":{"perKind":{"__proto__":{"maxRecords":1}}}}',
      '{"backend":{"use":"memory","__proto__":{}}}',
      '{"backend":{"use":"@acme/x","options":{"__proto__":{}}}}',
      '{"backend":{"use":"constructor","options":{"__proto__":{}}}}',
    ]) {
      expect(refusal(JSON.parse(json)), json).toMatch(/^invalid_config .*unknown key/)
    }
    expect(parseConfig(Object.create({ systemId: 'inherited' }), 'f').systemId).toBeUndefined()
    expect(parseConfig({ backend: { use: 'constructor' } }, 'f').backend).toMatchObject({
      options: {},
    })
  })

  test('control characters of keys and values never reach the message raw', () => {
    const control = '\u001b[2J\u202e'
    for (const value of [
      { [control]: 1 },
      { startup: { mode: control } },
      { backend: { use: 'json', [control]: 1 } },
    ]) {
      expect(refusal(value)).toMatch(/^invalid_config [\x20-\x7e…]*$/)
    }
  })

  test('whatever it is, it is accepted or refused with a code, never another error', () => {
    fc.assert(
      fc.property(fc.anything(), fc.constantFrom(...Object.keys(full)), (value, key) => {
        expect(refusal(value)).toMatch(/^(accepted|invalid_config|invalid_policy)/)
        expect(refusal({ [key]: value })).toMatch(/^(accepted|invalid_config|invalid_policy)/)
      }),
    )
  })
})

describe('from a configuration to an open store', () => {
  test('what a file says is what the store is opened with', async () => {
    const config = parseConfig(
      defineConfig({
        systemId: 'shop',
        backend: { use: 'memory' },
        retention: { maxRecords: 5 },
        startup: { mode: 'recover', recovery: { mode: 'quarantine' } },
        quarantineDir: '/q',
        compaction: { every: '1h' },
      }),
      'f',
    )
    const options = configToOpenOptions(config, memoryBackend())
    expect(options).toMatchObject({
      systemId: 'shop',
      startup: { mode: 'recover', recovery: { mode: 'quarantine', quarantineDir: '/q' } },
      retention: { maxRecords: 5 },
    })
    expect(options).toMatchObject({ compaction: { every: '1h' } })
    const papyra = await openPapyra(options)
    expect(papyra.retention).toEqual({ maxRecords: 5 })
    await papyra.close()
  })

  test('the folder of the startup gate comes before the general one', () => {
    const config = parseConfig(full, 'f')
    expect(configToOpenOptions(config, memoryBackend()).startup?.recovery?.quarantineDir).toBe('/q')
  })

  test('without a system, or against the rules for production, it is refused', () => {
    const backend = memoryBackend()
    const none = (): unknown => configToOpenOptions(parseConfig({}, 'f'), backend)
    expect(none).toThrow(expect.objectContaining({ code: 'invalid_config' }))
    const config = parseConfig({ systemId: 's', environment: 'production' }, 'f')
    expect(() => configToOpenOptions(config, backend)).toThrow(
      expect.objectContaining({ code: 'retention_missing' }),
    )
  })
})
