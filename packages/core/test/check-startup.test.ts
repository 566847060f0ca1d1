import { PapyraError } from '@papyra/contracts'
import { checkStartup, memoryBackend, openPapyra, type CheckStartupOptions } from '@papyra/core'
import { describe, expect, test } from 'vitest'
import { damagedStore, leftOpen, tornTail } from './fixtures/damaged-backend.js'

async function existing(
  ...damage: Parameters<typeof damagedStore>
): Promise<ReturnType<typeof damagedStore>> {
  const store = damagedStore(...damage)
  await store.definition.create?.()
  return store
}

describe('the answer', () => {
  test.each<[CheckStartupOptions, boolean, string[]]>([
    [{ mode: 'ignore' }, true, ['open:read', 'close']],
    [{ mode: 'scan_only' }, true, ['open:read', 'scan:full', 'close']],
    [{}, false, ['open:read', 'scan:full', 'close']],
    [{ depth: 'full' }, false, ['open:read', 'scan:full', 'close']],
    [{ depth: 'since-clean' }, false, ['open:read', 'scan:auto', 'close']],
    [
      { mode: 'recover' },
      true,
      ['open:write', 'scan:full', 'recover:repair', 'scan:full', 'close'],
    ],
  ])('%o on a torn tail: %s', async (options, allowed, calls) => {
    const store = await existing([tornTail()])
    const report = await checkStartup(store.definition, options)
    expect(report.allowed).toBe(allowed)
    expect(report.code).toBe(allowed ? null : 'startup_refused')
    expect(store.calls).toEqual(calls)
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })

  test('no consent to a loss is a no, not an error', async () => {
    const store = await existing([tornTail(true)])
    const report = await checkStartup(store.definition, { mode: 'recover' })
    expect(report).toMatchObject({
      allowed: false,
      code: 'accept_loss_required',
      location: 'memory:damaged',
    })
    expect(leftOpen(store)).toBe(0)
    const consented = await checkStartup(store.definition, { mode: 'recover', acceptLoss: true })
    expect(consented).toMatchObject({ allowed: true, after: { clean: true } })
  })

  test('what is left after a recovery is a no', async () => {
    const store = await existing([tornTail()])
    store.leaves = [tornTail()]
    const report = await checkStartup(store.definition, { mode: 'recover' })
    expect(report).toMatchObject({
      allowed: false,
      code: 'startup_refused',
      after: { clean: false },
    })
  })

  test('another log than expected, and time that is up, are a no', async () => {
    const backend = memoryBackend({ logId: 'one' })
    await backend.create?.()
    expect(await checkStartup(backend, { expectLogId: 'two' })).toMatchObject({
      allowed: false,
      code: 'wrong_log',
      details: { logId: 'one' },
    })
    const store = await existing([])
    store.duringScan = ({ signal }) =>
      new Promise((resolve) => signal?.addEventListener('abort', () => resolve()))
    const late = await checkStartup(store.definition, { timeBudgetMs: 1 })
    expect(late).toMatchObject({ allowed: false, code: 'time_budget_exceeded' })
    expect(leftOpen(store)).toBe(0)
  })
})

describe('beside a living owner', () => {
  test('reading modes answer, recover is refused', async () => {
    const backend = memoryBackend()
    const papyra = await openPapyra({ systemId: 'shop', backend })
    for (const mode of ['ignore', 'scan_only', 'fail_on_anomaly'] as const) {
      expect(await checkStartup(backend, { mode })).toMatchObject({ allowed: true, mode })
    }
    const recover = checkStartup(backend, { mode: 'recover', waitLockMs: 0 })
    await expect(recover).rejects.toMatchObject({ code: 'store_locked' })
    await papyra.close()
  })
})

describe('a missing store', () => {
  test('is never healthy, unless a new one is allowed, and none is made', async () => {
    const backend = memoryBackend()
    for (const mode of ['ignore', 'fail_on_anomaly', 'recover'] as const) {
      await expect(checkStartup(backend, { mode })).rejects.toMatchObject({
        code: 'store_not_found',
      })
      expect(await checkStartup(backend, { mode, allowNew: true })).toMatchObject({
        allowed: true,
        mode,
      })
      expect(await checkStartup(backend, { mode, create: 'if-missing' })).toMatchObject({
        allowed: true,
      })
      const never = checkStartup(backend, { mode, create: 'if-missing', allowNew: false })
      await expect(never).rejects.toMatchObject({ code: 'store_not_found' })
    }
    await expect(backend.open({ access: 'read' })).rejects.toMatchObject({
      code: 'store_not_found',
    })
  })
})

describe('no answer', () => {
  test.each<[string, CheckStartupOptions]>([
    ['mode_forbidden', { mode: 'ignore', environment: 'production', retention: { maxRecords: 1 } }],
    ['retention_missing', { environment: 'production' }],
    ['quarantine_dir_required', { mode: 'recover', recovery: { mode: 'quarantine' } }],
    ['aborted', { signal: AbortSignal.abort() }],
  ])('%s rejects without touching the store', async (code, options) => {
    const store = await existing([])
    await expect(checkStartup(store.definition, options)).rejects.toMatchObject({ code })
    expect(store.calls).toEqual([])
  })

  test('an I/O error rejects, and nothing is left open', async () => {
    const store = await existing([])
    store.duringScan = () => {
      throw new PapyraError('io_error', 'The device failed.')
    }
    await expect(checkStartup(store.definition)).rejects.toMatchObject({ code: 'io_error' })
    store.duringScan = () => {
      throw new TypeError('a defect')
    }
    await expect(checkStartup(store.definition)).rejects.toThrow(TypeError)
    expect(leftOpen(store)).toBe(0)
  })
})
