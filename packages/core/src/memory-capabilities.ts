import { defineCapabilities, type Capabilities } from '@papyra/contracts'

/** What a store in memory can do. */
export const memoryCapabilities: Capabilities = defineCapabilities({
  persistent: false,
  checksums: false,
  onlineCompaction: true,
})
