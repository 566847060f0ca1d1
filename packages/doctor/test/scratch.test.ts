import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rotationBackend } from '@papyra/backend-rotation'
import { openPapyra } from '@papyra/core'
import { expect, onTestFinished, test } from 'vitest'
import { openScratch } from '../src/scratch/open.js'

test('a store whose files never stand still is copied record by record', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'papyra-scratch-test-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const segment = { maxRecords: 1 }
  const backend = rotationBackend({ dir: join(dir, 'store'), ack: 'flushed', segment })
  const common = { systemId: 'shop', environment: 'test', create: 'if-missing' } as const
  const papyra = await openPapyra({ ...common, backend })
  const write = (): Promise<unknown> => papyra.recordEvent({ type: 'tick' })
  for (let n = 0; n < 20; n++) await write()
  // Each record makes a file.
  let busy = true
  const writing = (async () => {
    while (busy) await write()
  })()
  const scratch = await openScratch(backend, { dir, sample: Number.POSITIVE_INFINITY })
  busy = false
  await writing
  await papyra.close()
  expect(scratch.made).toMatch(/^the newest \d+ records, \d+ bytes, in a store of their own$/)
  const copy = await scratch.definition.open({ access: 'read' })
  const scan = await copy.scan()
  expect(scan).toMatchObject({ clean: true })
  expect(scan.records).toBeGreaterThanOrEqual(20)
  await copy.close()
  await scratch.dispose()
})
