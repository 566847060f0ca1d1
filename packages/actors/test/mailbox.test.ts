import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Mailbox, type Origin } from '../src/mailbox.js'

type Step = 'push' | 'notice' | 'shift' | 'shiftMessage'

test('a mailbox is a queue, whatever its pieces', () => {
  const notice: Origin = { counted: false }
  const steps = fc.array(
    fc.tuple(
      fc.constantFrom<Step>('push', 'push', 'notice', 'shift', 'shiftMessage'),
      fc.integer({ min: 1, max: 40 }),
    ),
    { maxLength: 80 },
  )
  fc.assert(
    fc.property(steps, (script) => {
      const mailbox = new Mailbox()
      let model: (number | Origin)[] = []
      let next = 0
      const taken = (): unknown => mailbox.origin ?? mailbox.message
      for (const [step, times] of script) {
        for (let i = 0; i < times; i += 1) {
          if (step === 'push') {
            mailbox.push(next, null)
            model.push(next)
            next += 1
          } else if (step === 'notice') {
            mailbox.push(undefined, notice)
            model.push(notice)
          } else if (step === 'shift') {
            expect(mailbox.shift()).toBe(model.length > 0)
            if (model.length > 0) expect(taken()).toBe(model.shift())
          } else {
            const oldest = model.find((entry) => entry !== notice)
            expect(mailbox.shiftMessage()).toBe(oldest !== undefined)
            if (oldest === undefined) continue
            expect(taken()).toBe(oldest)
            model = model.filter((entry) => entry !== oldest)
          }
          expect(mailbox.length).toBe(model.filter((entry) => entry !== notice).length)
          expect(mailbox.isEmpty).toBe(model.length === 0)
        }
      }
      while (mailbox.shift()) expect(taken()).toBe(model.shift())
      expect(model).toEqual([])
    }),
  )
})
