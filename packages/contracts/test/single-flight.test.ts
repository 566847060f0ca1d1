import { SingleFlight, manualClock } from '@papyra/contracts'
import { expect, it } from 'vitest'

const clock = manualClock()
const timing = { clock, cacheMs: 1000, answerWithinMs: 20 }

it('asks once for all who wait, and again when the answer is old', async () => {
  let asked = 0
  const flight = new SingleFlight(async () => ++asked, timing)
  const [a, b] = await Promise.all([flight.ask(), flight.ask()])
  expect([a.value, b.value, (await flight.ask()).value]).toEqual([1, 1, 1])
  clock.advance(1000)
  expect((await flight.ask()).value).toBe(2)
})

it('gives the last answer where the next fails or does not come, and says how long it waits', async () => {
  const answers = [
    async () => 'first',
    () => Promise.reject(new Error('gone')),
    () => new Promise<string>(() => undefined),
  ]
  const flight = new SingleFlight(() => (answers.shift() ?? fails)(), timing)
  expect(await flight.ask()).toEqual({ value: 'first', waitingMs: 0 })
  clock.advance(1000)
  expect(await flight.ask()).toEqual({ value: 'first', waitingMs: 0 })
  expect((await flight.ask()).value).toBe('first')
  clock.advance(5000)
  expect(await flight.ask()).toEqual({ value: 'first', waitingMs: 5000 })
  expect(answers).toEqual([])
})

const fails = (): Promise<string> => Promise.reject(new Error('asked too often'))
