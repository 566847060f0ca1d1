import { manualClock, type BackendDefinition } from '@papyra/contracts'
import { memoryBackend, openPapyra, parseAccounts, type Papyra } from '@papyra/core'
import { expect, test } from 'vitest'

const clock = manualClock(1_000_000)

function open(backend: BackendDefinition): Promise<Papyra> {
  return openPapyra({ systemId: 'shop', backend, clock })
}

test('when the numbers were read is kept over restarts, each way for itself', async () => {
  const backend = memoryBackend()
  const first = await open(backend)
  expect(first.metricsReadAt).toEqual({ scrape: null, export: null })
  first.noteMetricsRead('scrape')
  clock.advance(500)
  first.noteMetricsRead('export')
  expect(first.metricsReadAt).toEqual({ scrape: 1_000_000, export: 1_000_500 })
  await first.close()
  const second = await open(backend)
  expect(second.metricsReadAt).toEqual({ scrape: 1_000_000, export: 1_000_500 })
  clock.advance(500)
  second.noteMetricsRead('scrape')
  await second.close()
  const third = await open(backend)
  expect(third.metricsReadAt).toEqual({ scrape: 1_001_000, export: 1_000_500 })
  await third.close()
})

test('accounts of an earlier version say nothing of readings', () => {
  const past = { past: [1, 0, 0, 0, 0, 0, 0, 0], unaccounted: [0, 0], run: null }
  const text = JSON.stringify({ v: 1, log_id: 'l', at: 5, ...past })
  expect(parseAccounts(text)).toMatchObject({ metricsReadAt: { scrape: null, export: null } })
})

test('noting a reading writes nothing by itself', async () => {
  const backend = memoryBackend()
  const puts: string[] = []
  const counting: BackendDefinition = {
    ...backend,
    open: async (options) => {
      const opened = await backend.open(options)
      const { accounts } = opened
      if (accounts === undefined) throw new Error('a memory store has accounts')
      const put = accounts.put.bind(accounts)
      accounts.put = (text) => {
        puts.push(text)
        put(text)
      }
      return opened
    },
  }
  const papyra = await open(counting)
  const before = puts.length
  for (let n = 0; n < 1000; n++) papyra.noteMetricsRead('scrape')
  expect(puts.length).toBe(before)
  await papyra.close()
  expect(puts.length).toBe(before + 1)
})
