import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { jsonBackend } from '@papyra/backend-json'
import { bundleForNode } from '@papyra/build-config/bundle'
import { openPapyra } from '@papyra/core'
import { gracefulShutdown, type ShutdownEvent } from '@papyra/http/shutdown'
import { beforeAll, expect, test } from 'vitest'
import { inFolder } from './support/folder.js'

let bundle: string

beforeAll(async () => {
  bundle = await bundleForNode(new URL('./fixtures/service.ts', import.meta.url))
})

interface Told {
  readonly event: string
  readonly step?: string
  readonly status?: number
  readonly code?: number | string
  readonly accepted?: number
  readonly unfinished?: readonly string[]
}

interface Ended {
  readonly code: number | null
  readonly told: readonly Told[]
}

/** Starts the service, sends `signals` once it listens (each after the event before it), and waits. */
async function serviceEnds(path: string, wrong: string, twice = false): Promise<Ended> {
  const child = spawn(process.execPath, [bundle, path, wrong], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const told: Told[] = []
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve))
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JSON.parse(line) as Told
      told.push(event)
      if (event.event === 'listening') child.kill('SIGTERM')
      if (twice && event.step === 'ticks') child.kill('SIGINT')
    }
    return { code: await exited, told }
  } finally {
    child.kill('SIGKILL')
  }
}

async function storedIn(path: string): Promise<number> {
  const papyra = await openPapyra({ systemId: 'service', backend: jsonBackend({ path }) })
  const { totals } = await papyra.metrics()
  await papyra.close()
  return totals.recordsWritten
}

function steps({ told }: Ended): string[] {
  return told.map(({ event, step }) => (step === undefined ? event : `${event} ${step}`))
}

test('SIGTERM: everything accepted is stored, in order, and the exit code is 0', async () => {
  await inFolder(async (dir) => {
    const path = join(dir, 'log.ndjson')
    const ended = await serviceEnds(path, '')
    expect(steps(ended)).toEqual([
      'listening',
      'begun',
      'step_done health',
      'livez',
      'readyz',
      'step_done ticks',
      'step_done consumers',
      'step_done papyra',
      'step_done server',
      'ended',
    ])
    const probes = ended.told.flatMap(({ status }) => (status === undefined ? [] : [status]))
    expect(probes).toEqual([200, 503])
    expect(ended.code).toBe(0)
    const last = ended.told.at(-1)
    expect(last).toMatchObject({ code: 0, unfinished: [] })
    expect(await storedIn(path)).toBe(last?.accepted)
  })
})

test('a step that fails or hangs is named, costs exit code 1, and the store is closed all the same', async () => {
  await inFolder(async (dir) => {
    const path = join(dir, 'log.ndjson')
    for (const [wrong, event] of [
      ['throw', 'step_failed consumers'],
      ['hang', 'step_late consumers'],
    ] as const) {
      const ended = await serviceEnds(path, wrong)
      expect(ended.code).toBe(1)
      expect(steps(ended)).toContain(event)
      expect(steps(ended)).toContain('step_done papyra')
      expect(ended.told.at(-1)).toMatchObject({ code: 1, unfinished: ['consumers'] })
      expect(JSON.stringify(ended.told)).not.toContain('hush')
    }
  })
})

test('the deadline ends what hangs behind the store, which is closed by then', async () => {
  await inFolder(async (dir) => {
    const path = join(dir, 'log.ndjson')
    const ended = await serviceEnds(path, 'late')
    expect(ended.code).toBe(1)
    expect(steps(ended)).toContain('step_done papyra')
    const last = ended.told.at(-1)
    expect(last).toMatchObject({ event: 'ended', code: 1 })
    expect(last?.unfinished).toContain('others')
    expect(last?.unfinished).not.toContain('papyra')
    expect(await storedIn(path)).toBe(last?.accepted)
  })
})

test('a second signal ends the process at once with its code', async () => {
  await inFolder(async (dir) => {
    const ended = await serviceEnds(join(dir, 'log.ndjson'), 'second', true)
    expect(ended.code).toBe(130)
    const unfinished = ['consumers', 'papyra', 'server']
    expect(ended.told.at(-1)).toMatchObject({ code: 130, unfinished })
  })
})

test('it begins once, and a logger that throws harms nothing', async () => {
  const events: ShutdownEvent['event'][] = []
  const codes: number[] = []
  const before = process.listenerCount('SIGTERM')
  const shutdown = gracefulShutdown({
    close: [{ name: 'store', run: () => undefined }],
    log: ({ event }) => {
      events.push(event)
      throw new Error('full')
    },
    exit: (code) => codes.push(code),
  })
  expect(process.listenerCount('SIGTERM')).toBe(before + 1)
  expect(await Promise.all([shutdown.begin('one'), shutdown.begin('two')])).toEqual([0, 0])
  expect(events).toEqual(['begun', 'step_done', 'step_done', 'ended'])
  expect(codes).toEqual([0])
  expect(process.listenerCount('SIGTERM')).toBe(before)
})

test('times that do not fit are refused', () => {
  const close = [{ name: 'store', run: () => undefined }]
  for (const times of [{ deadlineMs: -1 }, { delayMs: 9000, deadlineMs: 10_000 }]) {
    expect(() => gracefulShutdown({ close, ...times })).toThrowError(
      expect.objectContaining({ code: 'invalid_argument' }),
    )
  }
})
