import { memoryBackend } from '@papyra/core'
import { expect, test } from 'vitest'
import { CapturedSink, seed, ticks, World } from './fixtures/world.js'

test('--follow prints new records as they come and ends at the limit', async () => {
  const world = new World()
  const backend = memoryBackend()
  await seed(backend, (papyra) => ticks(papyra, 3))
  world.configure(backend)
  const running = world.run('inspect', 'events', '--follow', '--limit', '5', '--json')
  await seed(backend, (papyra) => ticks(papyra, 2))
  const { code, lines } = await running
  expect(code).toBe(0)
  expect(lines().map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
})

test('--follow ends with 130 on Ctrl-C', async () => {
  const controller = new AbortController()
  const world = new World({ signal: controller.signal })
  const backend = memoryBackend()
  await seed(backend, (papyra) => ticks(papyra, 2))
  world.configure(backend)
  const stdout = new CapturedSink()
  const write = async (text: string): Promise<void> => {
    stdout.text += text
    if (stdout.text.includes('"seq":2,')) controller.abort()
  }
  const sink = { ...stdout, columns: 80, write }
  const { code } = await world.runWith({ stdout: sink }, 'inspect', 'events', '--follow', '--json')
  expect(code).toBe(130)
  expect(stdout.text.split('\n').filter((line) => line.includes('papyra.record/1'))).toHaveLength(2)
})
