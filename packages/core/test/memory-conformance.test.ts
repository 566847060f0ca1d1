import { manualClock } from '@papyra/contracts'
import { memoryBackend } from '@papyra/core'
import { backendConformance } from '@papyra/testkit'

backendConformance({
  name: 'memory',
  create: async () => {
    const definition = memoryBackend()
    return {
      definition,
      another: () => definition,
      clock: manualClock(),
      dispose: async () => undefined,
    }
  },
})
