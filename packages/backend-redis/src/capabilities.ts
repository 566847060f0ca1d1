import { defineCapabilities, type Capabilities } from '@papyra/contracts'

/** What a store on a Redis server can do. */
export const CAPABILITIES: Capabilities = defineCapabilities({
  exclusiveOwner: false,
  onlineCompaction: true,
  plans: true,
  ackLevels: ['acknowledged', 'fsynced', 'replicated(1)'],
})
