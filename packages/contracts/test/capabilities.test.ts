import { defineCapabilities } from '@papyra/contracts'
import { describe, expect, it } from 'vitest'

describe('defineCapabilities', () => {
  it('fills in the documented defaults', () => {
    expect(defineCapabilities({})).toEqual({
      persistent: true,
      exclusiveOwner: true,
      checksums: true,
      recovery: true,
      compaction: true,
      onlineCompaction: false,
      dryRun: true,
      plans: false,
      ackLevels: ['flushed'],
    })
  })

  it('lets each stated flag win', () => {
    const stated = {
      persistent: false,
      onlineCompaction: true,
      ackLevels: ['flushed', 'durable'],
    } as const
    expect(defineCapabilities(stated)).toMatchObject(stated)
  })

  it('gives back data that nobody can change, for itself or for the next one', () => {
    const levels: ('flushed' | 'durable')[] = ['flushed']
    const capabilities = defineCapabilities({ ackLevels: levels })
    levels.push('durable')
    expect(capabilities.ackLevels).toEqual(['flushed'])
    expect(Object.isFrozen(capabilities)).toBe(true)
    expect(Object.isFrozen(capabilities.ackLevels)).toBe(true)
    expect(Object.isFrozen(defineCapabilities({}).ackLevels)).toBe(true)
  })
})
