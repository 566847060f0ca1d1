import { PapyraError, manualClock, type BackendDefinition } from '@papyra/contracts'
import { jsonLogger, memoryBackend, openPapyra, type Papyra } from '@papyra/core'
import { expect, test } from 'vitest'

test('a JSON logger writes one line a call, its own fields first', () => {
  const lines: string[] = []
  const logger = jsonLogger((line) => lines.push(line), { clock: manualClock(5), service: 'shop' })
  logger.warn({ event: 'papyra.owner.killed', owners: 1 }, 'two\nlines')
  expect(lines).toEqual([
    '{"level":"warn","time":5,"service":"shop","event":"papyra.owner.killed","owners":1,"msg":"two\\nlines"}\n',
  ])
})

test('a logger that throws changes nothing', async () => {
  let calls = 0
  const fails = (): never => {
    calls += 1
    throw new Error('the disk of the logs is full')
  }
  const logger = { info: fails, warn: fails, error: fails }
  const backend = memoryBackend()
  const papyra = await openPapyra({ systemId: 'shop', backend, logger })
  papyra.intake.event({ type: '', actor: 'a', payload: 1 })
  await papyra.close()
  expect(calls).toBe(4)
})

test('a flood of drops is a few lines, and no drop is missing from them', async () => {
  const clock = manualClock()
  const told: unknown[] = []
  const take = (fields: object): void => {
    told.push(fields)
  }
  const logger = { info: () => undefined, warn: take, error: take }
  const backend = memoryBackend()
  const papyra = await openPapyra({ systemId: 'shop', backend, logger, clock })
  const drop = (times: number): void => {
    for (let n = 0; n < times; n++) papyra.intake.event({ type: '', actor: 'a', payload: n })
  }
  drop(1000)
  clock.advance(10_000)
  drop(1)
  drop(500)
  await papyra.close()
  expect(told).toMatchObject([{ facts: 1 }, { facts: 1000 }, { facts: 500 }])
})

/** A store whose `begin` or `close` fails. */
function failing(what: 'begin' | 'close'): BackendDefinition {
  const inner = memoryBackend()
  const fails = async (): Promise<never> => {
    throw new PapyraError('io_error', 'hunter2')
  }
  return {
    ...inner,
    open: async (options) =>
      new Proxy(await inner.open(options), {
        get(target, name) {
          const value: unknown = name === what ? fails : Reflect.get(target, name)
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      }),
  }
}

test('what cannot be opened or closed is told with the code, and without the message', async () => {
  const lines: string[] = []
  const logger = jsonLogger((line) => lines.push(line))
  const open = (what: 'begin' | 'close'): Promise<Papyra> =>
    openPapyra({ systemId: 'shop', backend: failing(what), logger })
  const last = (): unknown => JSON.parse(lines.at(-1) ?? '')
  await expect(open('begin')).rejects.toMatchObject({ code: 'io_error' })
  expect(last()).toMatchObject({ event: 'papyra.store.open_failed', code: 'io_error' })
  const papyra = await open('close')
  await expect(papyra.close()).rejects.toMatchObject({ code: 'io_error' })
  expect(last()).toMatchObject({ event: 'papyra.store.close_failed', code: 'io_error' })
  expect(lines.join('')).not.toContain('hunter2')
})
